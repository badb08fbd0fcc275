// The number formats a model computes in.
#pragma once

#include <string>

namespace bertha {

// fp64: the reference path only, for tests; master weights and gradient stay fp32.
enum class Precision { fp32, bf16, fp16, fp64 };

inline const char* precision_name(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return "fp32";
    case Precision::bf16:
      return "bf16";
    case Precision::fp16:
      return "fp16";
    case Precision::fp64:
      return "fp64";
  }
  return "?";
}

}  // namespace bertha
