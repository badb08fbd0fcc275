// The decisions of DocumentPlanner, which says what they mean, without what it keeps of a sample.
#include "data_pipeline/samples/sample_starts.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bertha {
namespace {

// As Philox::next_below() with its first number, if that is not one of the few to be drawn again.
struct Below {
  std::uint64_t value;
  bool is_certain;
};
Below below(std::uint64_t number, std::uint64_t bound) {
  const auto wide = static_cast<Wide>(number) * bound;
  return {static_cast<std::uint64_t>(wide >> 64), static_cast<std::uint64_t>(wide) >= bound};
}

// Documents mostly lie end to end.
bool may_have_fault(std::span<const SentenceBorders> documents) {
  auto some = documents.front();
  for (const auto& next : documents.subspan(1)) {
    if (some.join(next)) continue;
    if (some.may_have_fault()) return true;
    some = next;
  }
  return some.may_have_fault();
}

}  // namespace

struct SampleStarts::Lanes {
  template <class Value>
  using Each = std::array<Value, kStreamsAtOnce>;

  std::size_t busy = 0;  // the first so many
  Each<SentenceBorders> borders;
  Each<std::size_t> document;  // of those given
  Each<std::uint64_t> key, end;
  Each<std::uint64_t*> out;
  Each<std::uint64_t> sentence;      // of the sample at hand the first
  Each<std::uint64_t> limit, found;  // the last border up to `limit`, from `sentence` on
  Each<bool> is_certain;             // no number must be drawn again

  // The last one takes its place.
  void leave(std::size_t lane) {
    --busy;
    borders[lane] = borders[busy];
    document[lane] = document[busy];
    key[lane] = key[busy];
    end[lane] = end[busy];
    out[lane] = out[busy];
    sentence[lane] = sentence[busy];
  }
};

SampleStarts::SampleStarts(const PairOptions& options, std::uint64_t documents)
    : SampleStarts(options, documents, first_number_ways().back()) {}

SampleStarts::SampleStarts(const PairOptions& options, std::uint64_t documents,
                           const FirstNumberWays& way)
    : options_(options), documents_(documents), way_(way) {
  // number >> 11 over 2^53 is below the probability.
  const double probability = std::clamp(options.short_sequence_probability, 0.0, 1.0);
  short_below_ = static_cast<std::uint64_t>(std::ceil(std::ldexp(probability, 53)));
  longest_ =
      static_cast<std::uint64_t>(options.sequence_length - special_tokens(options.next_sentence));
}

// The sentences of a chunk are looked for among so many that few chunks have more.
void SampleStarts::choose_step() {
  constexpr std::size_t kLookAt = 16;
  constexpr std::uint64_t kTimesUsual = 2, kLeast = 4, kMost = 1024;
  std::uint64_t tokens = 1, sentences = 0;
  for (std::size_t i = 0; i < given_.size(); i += given_.size() / kLookAt + 1) {
    tokens += given_[i].tokens(0, given_[i].sentences());
    sentences += given_[i].sentences();
  }
  const auto usual = longest_ * sentences / std::max<std::uint64_t>(1, tokens);
  widest_step_ = std::bit_ceil(std::clamp(kTimesUsual * usual, kLeast, kMost)) / 2;
}

void SampleStarts::find(std::uint64_t first, std::span<const SentenceBorders> documents) {
  first_ = first;
  given_ = documents;
  entered_ = 0;
  places_.clear();
  counts_.assign(documents.size(), 0);
  std::size_t sentences = 0;
  for (const auto& borders : documents) {
    places_.push_back(sentences);
    sentences += borders.sentences();
  }
  if (starts_.size() < sentences) starts_.resize(sentences);
  if (documents.empty()) return;
  may_have_fault_ = may_have_fault(documents);
  choose_step();
  draw_keys(first, documents.size());
  options_.next_sentence ? go_through<true>() : go_through<false>();
}

void SampleStarts::draw_keys(std::uint64_t first, std::size_t documents) {
  PhiloxStreams of{philox_key(options_.seed, RandomPurpose::sentence_pairs), options_.epoch, {}};
  FirstNumbers numbers;
  keys_.resize((documents + kStreamsAtOnce - 1) / kStreamsAtOnce * kStreamsAtOnce);
  for (std::size_t i = 0; i < documents; i += kStreamsAtOnce) {
    for (std::size_t s = 0; s < kStreamsAtOnce; ++s) of.streams[s] = first + i + s;
    way_.two(of, numbers);
    std::ranges::copy(numbers[0], keys_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// The next document that is to be gone through with others.
bool SampleStarts::enter_next(Lanes& lanes, std::size_t lane) {
  while (entered_ < given_.size()) {
    const auto i = entered_++;
    auto* const out = starts_.data() + places_[i];
    if (documents_ == 1 || (may_have_fault_ && given_[i].may_have_fault())) {
      counts_[i] = count_alone(first_ + i, given_[i], out);
      continue;
    }
    lanes.borders[lane] = given_[i];
    lanes.document[lane] = i;
    lanes.key[lane] = keys_[i];
    lanes.end[lane] = given_[i].sentences();
    lanes.out[lane] = out;
    lanes.sentence[lane] = 0;
    return true;
  }
  return false;
}

std::size_t SampleStarts::count_alone(std::uint64_t document, const SentenceBorders& borders,
                                      std::uint64_t* out) const {
  auto* const begin = out;
  DocumentPlanner planner(document, borders, documents_, no_sentences_, options_);
  for (; !planner.done(); planner.skip()) *out++ = planner.place().sentence;
  return static_cast<std::size_t>(out - begin);
}

// Behind the sample at hand, whose random numbers say that there must be more of them.
std::uint64_t SampleStarts::next_alone(const Lanes& lanes, std::size_t lane) const {
  DocumentPlanner planner(first_ + lanes.document[lane], lanes.borders[lane], documents_,
                          no_sentences_, options_);
  planner.seek({lanes.sentence[lane], 0});
  planner.skip();
  return planner.place().sentence;
}

// Which border the sample's chunk must not reach, or pass.
template <bool kPairs>
void SampleStarts::draw_limits(const FirstNumbers& numbers, Lanes& lanes) const {
  for (std::size_t l = 0; l < lanes.busy; ++l) {
    const bool is_short = (numbers[0][l] >> 11) < short_below_;
    const auto drawn = below(numbers[1][l], longest_ - 1);
    lanes.is_certain[l] = !is_short | drawn.is_certain;
    lanes.found[l] = lanes.sentence[l];
    lanes.limit[l] = lanes.borders[l].begin(lanes.sentence[l]) +
                     (is_short ? 2 + drawn.value : longest_) - (kPairs ? 1 : 0);
  }
}

// By halves, as far as the widest step reaches. Lanes take turns: each waits for its own memory.
void SampleStarts::find_last(Lanes& lanes) const {
  for (auto step = widest_step_; step > 0; step /= 2) {
    for (std::size_t l = 0; l < lanes.busy; ++l) {
      const auto next = std::min(lanes.found[l] + step, lanes.end[l]);
      lanes.found[l] +=
          step * static_cast<std::uint64_t>(lanes.borders[l].begin(next) <= lanes.limit[l]);
    }
  }
}

// The same for one, from where find_last() ended.
std::uint64_t SampleStarts::last_within(const SentenceBorders& borders, std::uint64_t from,
                                        std::uint64_t limit) const {
  const auto end = borders.sentences();
  while (from < end && borders.begin(from + 1) <= limit) ++from;
  return from;
}

template <bool kPairs>
void SampleStarts::end_samples(const FirstNumbers& numbers, Lanes& lanes) const {
  const auto reach = 2 * widest_step_ - 1;
  for (std::size_t l = 0; l < lanes.busy; ++l) {
    const auto sentence = lanes.sentence[l];
    *lanes.out[l]++ = sentence;
    auto last = std::min(lanes.found[l], lanes.end[l]);
    if (last == sentence + reach) [[unlikely]] {
      last = last_within(lanes.borders[l], last, lanes.limit[l]);
    }
    auto next = std::max(last, sentence + 1);
    bool is_certain = lanes.is_certain[l];
    if constexpr (kPairs) {
      const std::size_t is_short = (numbers[0][l] >> 11) < short_below_ ? 1 : 0;
      const auto end = std::min(last + 1, lanes.end[l]);
      const auto cut = below(numbers[1 + is_short][l], end - sentence - 1);
      const auto if_random = (numbers[2 + is_short][l] >> 63) - 1;  // all bits, or none
      next = end - (if_random & (end - (sentence + 1 + cut.value)));
      is_certain &= cut.is_certain;
    }
    if (!is_certain) [[unlikely]]
      next = next_alone(lanes, l);
    lanes.sentence[l] = next;
  }
}

// To another document from one that has ended, or, where there is none, to one lane less.
bool SampleStarts::go_on(Lanes& lanes, std::size_t lane) {
  const auto document = lanes.document[lane];
  counts_[document] =
      static_cast<std::size_t>(lanes.out[lane] - starts_.data()) - places_[document];
  if (enter_next(lanes, lane)) return true;
  lanes.leave(lane);
  return false;
}

template <bool kPairs>
void SampleStarts::go_through() {
  Lanes lanes;
  PhiloxStreams of{philox_key(options_.seed, RandomPurpose::sentence_pairs), options_.epoch, {}};
  FirstNumbers numbers;
  while (lanes.busy < kStreamsAtOnce && enter_next(lanes, lanes.busy)) ++lanes.busy;
  while (lanes.busy > 0) {
    for (std::size_t l = 0; l < lanes.busy; ++l) of.streams[l] = lanes.key[l] + lanes.sentence[l];
    kPairs ? way_.four(of, numbers) : way_.two(of, numbers);
    draw_limits<kPairs>(numbers, lanes);
    find_last(lanes);
    end_samples<kPairs>(numbers, lanes);
    for (std::size_t l = 0; l < lanes.busy;) {
      if (lanes.sentence[l] == lanes.end[l] && !go_on(lanes, l)) continue;
      ++l;
    }
  }
}

}  // namespace bertha
