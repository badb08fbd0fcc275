// Reads options as the program does, with INI files in a folder of the test's own.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "launch/options.h"
#include "parallel/base/error.h"

namespace bertha {

class OptionTest : public testing::Test {
 protected:
  OptionTest() {
    auto name = (std::filesystem::temp_directory_path() / "bertha-options-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~OptionTest() override {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }

  std::string ini(const std::string& name, const std::string& text) const {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }

  static RunConfig read(const std::vector<std::string>& arguments,
                        const std::string& command = "pretrain") {
    return read_options(command, arguments);
  }

  // "message | remedy" of the usage error that reading must end in.
  static std::string usage_error(const std::vector<std::string>& arguments,
                                 const std::string& command = "pretrain") {
    try {
      read_options(command, arguments);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << error.message();
      return error.message() + " | " + error.remedy();
    }
    ADD_FAILURE() << "no error";
    return {};
  }

  std::filesystem::path folder_;
};

}  // namespace bertha
