// Agreement on errors through the callers' gather.
#include "data_pipeline/prepare/prepare_exchange.h"

#include <filesystem>
#include <new>
#include <optional>
#include <system_error>

#include "data_pipeline/prepare/prepare_message.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::uint64_t kResult = 0, kGaveUp = 1;  // other values: the error's exit code

std::string error_message(const Error& error) {
  std::string message;
  put_number(message, static_cast<std::uint64_t>(error.exit_code()));
  put_text(message, error.message());
  put_text(message, error.remedy());
  put_text(message, error.where());
  return message;
}

std::string result_or_error(const std::function<std::string()>& step) {
  std::string message;
  try {
    put_number(message, kResult);
    return message + step();
  } catch (const Error& error) {
    return error_message(error);
  } catch (const OtherRankFailed&) {
    message.clear();
    put_number(message, kGaveUp);
    return message;
  } catch (const std::bad_alloc&) {
    return error_message(Error(ErrorKind::internal, "prepare: out of memory", "use fewer workers"));
  } catch (const std::filesystem::filesystem_error& error) {
    return error_message(Error(ErrorKind::io, error.what()));
  } catch (const std::exception& error) {
    return error_message(Error(ErrorKind::internal, std::string("prepare: ") + error.what()));
  }
}

Error read_error(std::uint64_t code, MessageReader& message, std::size_t rank, std::size_t ranks) {
  if (code == kGaveUp) return Error(ErrorKind::internal, "prepare: a rank gave up without cause");
  const std::string text = message.text(), remedy = message.text();
  std::string where = message.text();
  if (ranks > 1) where += ", rank " + std::to_string(rank);
  return Error(static_cast<ErrorKind>(code), text, remedy, where);
}

}  // namespace

std::vector<std::string> RankExchange::run(
    const std::function<std::string()>& step,
    const std::function<void(const Error&)>& clean_up) const {
  std::vector<std::string> messages = gather_(result_or_error(step));
  if (messages.size() != static_cast<std::size_t>(rank_.world_size)) {
    throw Error(ErrorKind::internal, "prepare: not every rank was heard");
  }
  std::optional<Error> first;
  bool gave_up = true;  // what `first` is
  for (std::size_t rank = 0; rank < messages.size(); ++rank) {
    MessageReader message(messages[rank]);
    const std::uint64_t code = message.number();
    if (code == kResult) {
      messages[rank].erase(0, messages[rank].size() - message.rest().size());
    } else if (gave_up) {
      first.emplace(read_error(code, message, rank, messages.size()));
      gave_up = code == kGaveUp;
    }
  }
  if (!first) return messages;
  clean_up(*first);
  gather_({});
  throw *first;
}

}  // namespace bertha
