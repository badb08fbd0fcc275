// The number formats a model computes in.
#pragma once

#include <string>

namespace bertha {

enum class Precision { fp32, bf16, fp16 };

inline const char* precision_name(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return "fp32";
    case Precision::bf16:
      return "bf16";
    case Precision::fp16:
      return "fp16";
  }
  return "?";
}

}  // namespace bertha
