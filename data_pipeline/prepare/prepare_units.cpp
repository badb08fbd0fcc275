// Groups small files, cuts large ones, balances units over ranks.
#include "data_pipeline/prepare/prepare_units.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <queue>
#include <utility>

#include "data_pipeline/prepare/prepare_message.h"
#include "data_pipeline/text/document_cuts.h"

namespace bertha {
namespace {

constexpr std::uint64_t kCompressionRatio = 4;  // of text, about
constexpr std::uint64_t kBytesPerFile = 16
                                        << 10;  // opening one costs about as much as reading this
constexpr std::uint64_t kWantedUnits = 1024;
constexpr std::uint64_t kMostWork = std::uint64_t{128} << 20;

std::uint64_t work(const InputFile& file) {
  return kBytesPerFile +
         file.bytes * (file.compression == Compression::none ? 1 : kCompressionRatio);
}

std::uint64_t work(const std::vector<InputFile>& files) {
  std::uint64_t sum = 0;
  for (const InputFile& file : files) sum += work(file);
  return sum;
}

// The file as parts that end at `cuts`, each a unit.
void add_parts(const InputFile& file, std::vector<std::uint64_t> cuts,
               std::vector<InputUnit>& units) {
  std::uint64_t begin = 0;
  cuts.push_back(file.bytes);
  for (const std::uint64_t end : cuts) {
    InputFile part = file;
    part.begin = begin;
    part.end = end;
    part.bytes = end - begin;
    units.push_back({{std::move(part)}});
    begin = end;
  }
}

}  // namespace

std::uint64_t InputUnit::bytes() const {
  std::uint64_t sum = 0;
  for (const InputFile& file : files) sum += file.bytes;
  return sum;
}

std::vector<InputUnit> plan_units(std::vector<InputFile> files, std::uint64_t least_bytes,
                                  const std::function<void()>& got_on) {
  const std::uint64_t wanted = std::clamp(work(files) / kWantedUnits, least_bytes, kMostWork);
  std::vector<InputUnit> units;
  std::uint64_t filled = wanted;  // of the last unit
  for (InputFile& file : files) {
    if (got_on) got_on();
    const std::uint64_t more = work(file);
    if (more >= 2 * wanted) {
      const std::uint64_t ratio = file.compression == Compression::none ? 1 : kCompressionRatio;
      if (auto cuts = find_document_cuts(file, wanted / ratio); !cuts.empty()) {
        add_parts(file, std::move(cuts), units);
        filled = wanted;
        continue;
      }
    }
    if (filled + more > wanted) {
      units.emplace_back();
      filled = 0;
    }
    units.back().files.push_back(std::move(file));
    filled += more;
  }
  return units;
}

std::string pack_units(const std::vector<InputUnit>& units) {
  std::string bytes;
  for (const InputUnit& unit : units) {
    put_number(bytes, unit.files.size());
    for (const InputFile& file : unit.files) {
      put_text(bytes, file.path.native());
      for (const auto number :
           {static_cast<std::uint64_t>(file.format), static_cast<std::uint64_t>(file.compression),
            file.bytes, static_cast<std::uint64_t>(file.modified_ns), file.begin, file.end}) {
        put_number(bytes, number);
      }
    }
  }
  return bytes;
}

std::vector<InputUnit> unpack_units(std::string_view bytes) {
  std::vector<InputUnit> units;
  for (MessageReader message(bytes); !message.at_end();) {
    auto& files = units.emplace_back().files;
    files.resize(message.number());
    for (InputFile& file : files) {
      file.path = message.text();
      file.format = static_cast<TextFormat>(message.number());
      file.compression = static_cast<Compression>(message.number());
      file.bytes = message.number();
      file.modified_ns = static_cast<std::int64_t>(message.number());
      file.begin = message.number();
      file.end = message.number();
    }
  }
  return units;
}

std::vector<int> share_units(const std::vector<InputUnit>& units,
                             const std::vector<std::size_t>& to_do, int world_size) {
  std::vector<std::uint64_t> works;
  for (const std::size_t unit : to_do) works.push_back(work(units[unit].files));
  std::vector<std::size_t> order(to_do.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](auto i) { return works[i]; });
  using Load = std::pair<std::uint64_t, int>;  // work so far, rank
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (int rank = 0; rank < world_size; ++rank) loads.emplace(0, rank);
  std::vector<int> owners(to_do.size());
  for (const std::size_t i : order) {
    auto [load, rank] = loads.top();
    loads.pop();
    owners[i] = rank;
    loads.emplace(load + works[i], rank);
  }
  return owners;
}

void require_records(const std::vector<InputUnit>& units, const std::vector<ReadStatistics>& read,
                     const std::string& text_field) {
  std::map<std::string, ReadStatistics> files;
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    const InputFile& file = units[unit].files.front();
    if (file.is_part() && file.format == TextFormat::jsonl) {
      files[file.path.string()].add(read[unit]);
    }
  }
  for (const auto& [path, statistics] : files) require_some_record(path, statistics, text_field);
}

}  // namespace bertha
