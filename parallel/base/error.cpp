// Error construction and the wording of system errors.
#include "parallel/base/error.h"

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

namespace bertha {
namespace {

std::string place(const std::source_location& where) {
  std::string_view file = where.file_name();
  if (const auto slash = file.rfind('/'); slash != std::string_view::npos) {
    file.remove_prefix(slash + 1);
  }
  return std::string(file) + ":" + std::to_string(where.line());
}

}  // namespace

Error::Error(ErrorKind kind, std::string message, std::string remedy, std::source_location where)
    : Error(kind, std::move(message), std::move(remedy), place(where)) {}

Error::Error(ErrorKind kind, std::string message, std::string remedy, std::string where)
    : kind_(kind),
      message_(std::move(message)),
      remedy_(std::move(remedy)),
      where_(std::move(where)) {}

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

void throw_io_error(const std::string& action, const std::string& path, int error_number,
                    std::source_location where) {
  std::string remedy;
  if (error_number == ENOSPC || error_number == EDQUOT) {
    remedy = "free space on that file system, or write elsewhere";
  } else if (error_number == ENOENT) {
    remedy = "check the path";
  } else if (error_number == EACCES || error_number == EPERM || error_number == EROFS) {
    remedy = "check the permissions of the file and its folder";
  }
  throw Error(ErrorKind::io, "cannot " + action + " " + path + ": " + errno_text(error_number),
              remedy, where);
}

}  // namespace bertha
