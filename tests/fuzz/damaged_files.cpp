// Damages files again and again and reads them: an error in words or a result, never a crash.
//   damaged_files SEEDS SCRATCH FIRST COUNT [FILE...]   damages number FIRST and on; says what came
//       of them
//   damaged_files corpus TEXT VOCABULARY OUTPUT   makes a small corpus, to be damaged
// SEEDS has a folder for each kind (readers.h), named KIND-WHATEVER; every file in it is damaged
// in turn, or those FILEs of it, beside the others as they are. run_damage.py makes seeds and
// watches over crashes.
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

#include "parallel/base/staged_output.h"
#include "readers.h"
#include "tests/support/damage.h"

namespace bertha {
namespace fs = std::filesystem;

Outcome read_as(const std::string& kind, const fs::path& file, std::uint64_t number) {
  if (kind == "corpus") return read_corpus(file.parent_path(), number);
  if (kind == "foreign") return read_foreign(file.parent_path(), number);
  if (kind == "documents") return read_text(file, number);
  if (kind == "questions") return read_questions(file);
  if (kind == "words") return read_words(file);
  if (kind == "table") return read_table(file);
  throw Error(ErrorKind::usage, "a folder of seeds named " + kind);
}

namespace {

constexpr unsigned kSecondsEach = 60;  // sanitizers and a busy machine; a hang is killed

std::vector<fs::path> find_seeds(const fs::path& folder) {
  std::vector<fs::path> seeds;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().parent_path() != folder) {
      seeds.push_back(fs::relative(entry.path(), folder));
    }
  }
  std::sort(seeds.begin(), seeds.end());
  return seeds;
}

void write(const fs::path& path, const std::string& bytes) {
  fs::remove(path);  // never into what may still be mapped
  std::ofstream(path, std::ios::binary) << bytes;
}

Outcome damage_one(const fs::path& seeds, const fs::path& scratch, const fs::path& seed,
                   std::uint64_t number) {
  const auto folder = seed.parent_path().string();
  const auto good = read_file(seeds / seed);
  write(scratch / seed, Damage(good, number).make());
  ::alarm(kSecondsEach);
  const auto outcome = read_as(folder.substr(0, folder.find('-')), scratch / seed, number);
  ::alarm(0);
  write(scratch / seed, good);
  return outcome;
}

struct Work {
  fs::path seeds, scratch;
  std::uint64_t first, count;
  std::vector<fs::path> files;  // of the seeds; empty: all
};

// False: something was wrong, and said.
bool run(const Work& work) {
  const auto& [seeds_folder, scratch, first, count, files] = work;
  fs::copy(seeds_folder, scratch, fs::copy_options::recursive);
  const auto seeds = files.empty() ? find_seeds(seeds_folder) : files;
  // Undamaged, all readers take it; or a damage would show nothing.
  for (const auto& seed : seeds) {
    const auto folder = seed.parent_path().string();
    const auto outcome = read_as(folder.substr(0, folder.find('-')), scratch / seed, 0);
    if (outcome.refused > 0) {
      throw Error(ErrorKind::usage, seed.string() + " is not sound: " + outcome.told);
    }
  }
  bool good = true;
  std::map<std::string, Outcome> by_folder;
  for (auto i = first; i < first + count; ++i) {
    const auto& seed = seeds[i % seeds.size()];
    std::cerr << "damage " << i << " " << seed.string() << std::endl;  // the last names a crash
    try {
      const auto outcome = damage_one(seeds_folder, scratch, seed, i);
      auto& sum = by_folder[seed.parent_path().string()];
      (outcome.refused > 0 ? sum.refused : sum.read) += 1;
    } catch (const std::exception& error) {
      ::alarm(0);
      good = false;
      std::cout << "WRONG " << i << " " << seed.string() << ": " << error.what() << "\n";
      write(scratch / seed, read_file(seeds_folder / seed));
    }
  }
  for (const auto& [folder, sum] : by_folder) {
    std::cout << "SUM " << folder << " " << sum.refused << " " << sum.read << "\n";
  }
  return good;
}

}  // namespace
}  // namespace bertha

int main(int count, char** arguments) {
  if (count < 5) return 64;
  try {
    if (arguments[1] == std::string("corpus")) {
      bertha::PrepareOptions options;
      options.input.paths = {arguments[2]};
      options.vocabulary = arguments[3];
      options.output = arguments[4];
      options.shard_tokens = 3000;
      options.validation_fraction = 0.2;
      bertha::prepare_on_one_rank(options);
      return 0;
    }
    const bertha::Work work{.seeds = arguments[1],
                            .scratch = arguments[2],
                            .first = std::strtoull(arguments[3], nullptr, 10),
                            .count = std::strtoull(arguments[4], nullptr, 10),
                            .files = {arguments + 5, arguments + count}};
    return bertha::run(work) ? 0 : 1;
  } catch (const bertha::Error& error) {
    std::cerr << error.message() << "\n";
    return error.exit_code();
  }
}
