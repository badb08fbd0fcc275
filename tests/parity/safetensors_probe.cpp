// For test_safetensors.py.
//   safetensors_probe copy FROM TO     reads every tensor and the metadata, writes them anew
//   safetensors_probe check FILE...    one line each: "ok", or the exit code and message
//   safetensors_probe weights FOLDER TO  a model folder's weights under our names
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "parallel/base/error.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/checkpoint/safetensors.h"

namespace bertha {
namespace {

std::vector<NamedTensor> read_all(const SafetensorsFile& file) {
  std::vector<NamedTensor> tensors;
  for (const auto& entry : file.entries()) tensors.push_back({entry.name, file.read(entry.name)});
  return tensors;
}

void check(const char* path) {
  try {
    read_all(SafetensorsFile(path));
    std::puts("ok");
  } catch (const Error& error) {
    std::printf("%d %s\n", error.exit_code(), error.what());
  }
}

}  // namespace
}  // namespace bertha

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  try {
    if (command == "copy" && argc == 4) {
      const bertha::SafetensorsFile file(argv[2]);
      bertha::write_safetensors(argv[3], bertha::read_all(file), file.metadata());
    } else if (command == "weights" && argc == 4) {
      const auto folder = bertha::resolve_model_folder(argv[2]);
      bertha::write_safetensors(argv[3], bertha::read_model_weights(folder), {});
    } else if (command == "check") {
      for (int i = 2; i < argc; ++i) bertha::check(argv[i]);
    } else {
      std::fputs("usage: safetensors_probe copy FROM TO | check FILE... | weights FOLDER TO\n",
                 stderr);
      return 64;
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "safetensors_probe: %s\n", error.what());
    return 1;
  }
}
