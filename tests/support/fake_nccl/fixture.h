// For tests of the NCCL communicator over the stand-ins: a fixture, and faults on purpose.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "parallel/nccl_communicator.h"
#include "tests/support/fake_nccl/device.h"
#include "tests/support/rank_communicator.h"
#include "tests/support/rank_numbers.h"

namespace bertha::testing {

inline std::vector<std::int64_t> equal_parts(std::int64_t size) {
  return std::vector(static_cast<std::size_t>(world()), size);
}

// An environment variable while it lives.
class WithVariable {
 public:
  WithVariable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~WithVariable() { ::unsetenv(name_); }
  WithVariable(const WithVariable&) = delete;
  WithVariable& operator=(const WithVariable&) = delete;

 private:
  const char* name_;
};

// FAKE_NCCL_FAULT=rank:call:number:kind while it lives. The variable stays, empty: threads look at
// it at any time, who must not meet an environment that moves.
class WithFault {
 public:
  explicit WithFault(const std::string& fault) { set(fault); }
  ~WithFault() { set(""); }
  WithFault(const WithFault&) = delete;
  WithFault& operator=(const WithFault&) = delete;
  static void set(const std::string& fault) { ::setenv("FAKE_NCCL_FAULT", fault.c_str(), 1); }
};

class Nccl : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    use_stand_ins();
    WithFault::set("");
  }

  std::unique_ptr<Communicator> connect(std::chrono::seconds timeout = std::chrono::seconds(20)) {
    return make_nccl_communicator(*host_, timeout);
  }
  std::unique_ptr<Communicator> host_ = rank_communicator();
};

}  // namespace bertha::testing
