// Two look-ups by half bytes in vector registers, or a table of all bytes.
#include "data_pipeline/text/byte_set.h"

#include <bit>
#include <immintrin.h>

namespace bertha {
namespace {

constexpr std::size_t kBlock = sizeof(__m256i);

[[gnu::target("avx2")]] __m256i twice(const std::array<std::uint8_t, 16>& bytes) {
  return _mm256_broadcastsi128_si256(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data())));
}

// A bit for each of the 32 bytes that is in the set.
[[gnu::target("avx2")]] inline std::uint32_t marks(const char* at, __m256i by_low,
                                                   __m256i by_high) {
  const __m256i half = _mm256_set1_epi8(0x0F);
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i low = _mm256_and_si256(bytes, half);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
  const __m256i shared =
      _mm256_and_si256(_mm256_shuffle_epi8(by_low, low), _mm256_shuffle_epi8(by_high, high));
  const __m256i none = _mm256_cmpeq_epi8(shared, _mm256_setzero_si256());
  return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(none));
}

}  // namespace

// The last block reaches back behind `from` rather than beyond the text, which has a whole block.
[[gnu::target("avx2")]] std::size_t ByteSet::find_by_blocks(std::string_view text,
                                                            std::size_t from) const {
  const __m256i by_low = twice(by_low_), by_high = twice(by_high_);
  for (; text.size() - from >= kBlock; from += kBlock) {
    const std::uint32_t found = marks(text.data() + from, by_low, by_high);
    if (found != 0) return from + static_cast<std::size_t>(std::countr_zero(found));
  }
  if (from == text.size()) return from;
  const std::size_t last = text.size() - kBlock;
  const std::uint32_t found = marks(text.data() + last, by_low, by_high) >> (from - last);
  return found == 0 ? text.size() : from + static_cast<std::size_t>(std::countr_zero(found));
}

std::size_t ByteSet::find(std::string_view text, std::size_t from) const {
  if (halves_tell_ && text.size() >= kBlock && __builtin_cpu_supports("avx2")) {
    return find_by_blocks(text, from);
  }
  while (from < text.size() && !contains(text[from])) ++from;
  return from;
}

}  // namespace bertha
