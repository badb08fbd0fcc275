// File names of shards.
#include "data_pipeline/shards/shard_schema.h"

#include <fmt/format.h>

namespace bertha {

std::string shard_file_name(const std::string& split, int number, int count) {
  return fmt::format("{}-{:05}-of-{:05}.h5", split, number, count);
}

}  // namespace bertha
