// Three look-ups by half bytes tell every fault of a pair of bytes, as "Validating UTF-8 In Less
// Than One Instruction Per Byte" (Keiser and Lemire, 2021) has it; a comparison tells the rest.
#include "data_pipeline/text/well_formed.h"

#include <array>
#include <cstdint>
#include <immintrin.h>

namespace bertha {
namespace {

constexpr std::size_t kBlock = sizeof(__m256i);
using Halves = std::array<std::uint8_t, 16>;

// Faults of a byte and the one after it, as bits.
constexpr std::uint8_t kTooShort = 1 << 0;      // a lead, then no tail
constexpr std::uint8_t kTooLong = 1 << 1;       // ASCII, then a tail
constexpr std::uint8_t kOverlong3 = 1 << 2;     // E0 80..9F
constexpr std::uint8_t kTooLarge = 1 << 3;      // F4 90..BF, F5..FF 80..BF
constexpr std::uint8_t kSurrogate = 1 << 4;     // ED A0..BF
constexpr std::uint8_t kOverlong2 = 1 << 5;     // C0..C1 80..BF
constexpr std::uint8_t kOverlong4 = 1 << 6;     // F0 80..8F
constexpr std::uint8_t kTooLarge1000 = 1 << 6;  // F5..FF 80..8F
constexpr std::uint8_t kTwoTails = 1 << 7;      // a fault unless a lead before them wants both
constexpr std::uint8_t kAnyLow = kTooShort | kTooLong | kTwoTails;

constexpr std::uint8_t kTails = kTooLong | kOverlong2 | kTwoTails;  // of every tail
constexpr std::uint8_t kBeyond = kAnyLow | kTooLarge | kTooLarge1000;

constexpr Halves kByFirstHigh = {kTooLong,
                                 kTooLong,
                                 kTooLong,
                                 kTooLong,
                                 kTooLong,
                                 kTooLong,
                                 kTooLong,
                                 kTooLong,
                                 kTwoTails,
                                 kTwoTails,
                                 kTwoTails,
                                 kTwoTails,
                                 kTooShort | kOverlong2,
                                 kTooShort,
                                 kTooShort | kOverlong3 | kSurrogate,
                                 kTooShort | kTooLarge | kTooLarge1000 | kOverlong4};
constexpr Halves kByFirstLow = {kAnyLow | kOverlong2 | kOverlong3 | kOverlong4,
                                kAnyLow | kOverlong2,
                                kAnyLow,
                                kAnyLow,
                                kAnyLow | kTooLarge,
                                kBeyond,
                                kBeyond,
                                kBeyond,
                                kBeyond,
                                kBeyond,
                                kBeyond,
                                kBeyond,
                                kBeyond,
                                kBeyond | kSurrogate,
                                kBeyond,
                                kBeyond};
constexpr Halves kBySecondHigh = {kTooShort,
                                  kTooShort,
                                  kTooShort,
                                  kTooShort,
                                  kTooShort,
                                  kTooShort,
                                  kTooShort,
                                  kTooShort,
                                  kTails | kOverlong3 | kOverlong4 | kTooLarge1000,
                                  kTails | kOverlong3 | kTooLarge,
                                  kTails | kSurrogate | kTooLarge,
                                  kTails | kSurrogate | kTooLarge,
                                  kTooShort,
                                  kTooShort,
                                  kTooShort,
                                  kTooShort};

[[gnu::target("avx2")]] inline __m256i look_up(const Halves& table, __m256i halves) {
  const __m256i twice =
      _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data())));
  return _mm256_shuffle_epi8(twice, halves);
}

[[gnu::target("avx2")]] inline __m256i low_halves(__m256i bytes) {
  return _mm256_and_si256(bytes, _mm256_set1_epi8(0x0F));
}

[[gnu::target("avx2")]] inline __m256i high_halves(__m256i bytes) {
  return low_halves(_mm256_srli_epi16(bytes, 4));
}

// The bytes that lie `kBack` before those of the block.
template <int kBack>
[[gnu::target("avx2")]] inline __m256i shifted(__m256i block, __m256i before) {
  return _mm256_alignr_epi8(block, _mm256_permute2x128_si256(before, block, 0x21), 16 - kBack);
}

[[gnu::target("avx2")]] inline bool has_fault(__m256i block, __m256i before) {
  const __m256i first = shifted<1>(block, before);
  const __m256i pairs = _mm256_and_si256(_mm256_and_si256(look_up(kByFirstHigh, high_halves(first)),
                                                          look_up(kByFirstLow, low_halves(first))),
                                         look_up(kBySecondHigh, high_halves(block)));
  // Where a lead two or three bytes before wants a tail, two tails are right, and nothing else is.
  const __m256i third = _mm256_subs_epu8(shifted<2>(block, before), _mm256_set1_epi8(0xE0 - 0x80));
  const __m256i fourth = _mm256_subs_epu8(shifted<3>(block, before), _mm256_set1_epi8(0xF0 - 0x80));
  const __m256i wanted = _mm256_and_si256(_mm256_or_si256(third, fourth),
                                          _mm256_set1_epi8(static_cast<char>(kTwoTails)));
  const __m256i faults = _mm256_xor_si256(wanted, pairs);
  return _mm256_testz_si256(faults, faults) == 0;
}

// Where the last character before `at` begins if it is not whole there; otherwise `at`.
std::size_t before_cut_character(std::string_view bytes, std::size_t begin, std::size_t at) {
  constexpr std::array<unsigned char, 4> kLeads = {0, 0xC0, 0xE0, 0xF0};  // want so many tails
  for (std::size_t back = 1; back < kLeads.size() && begin + back <= at; ++back) {
    const auto byte = static_cast<unsigned char>(bytes[at - back]);
    if (byte >= kLeads[back]) return at - back;
    if (byte < 0x80 || byte >= 0xC0) break;
  }
  return at;
}

[[gnu::target("avx2")]] std::size_t skip_by_blocks(std::string_view bytes, std::size_t begin) {
  __m256i before = _mm256_setzero_si256();  // as good as any text that is whole
  int before_wide = 0;                      // bits of bytes beyond ASCII
  std::size_t at = begin;
  for (; bytes.size() - at >= kBlock; at += kBlock) {
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes.data() + at));
    const int wide = _mm256_movemask_epi8(block);
    if ((wide | before_wide) != 0 && has_fault(block, before)) break;
    before = block;
    before_wide = wide;
  }
  return before_cut_character(bytes, begin, at);
}

}  // namespace

std::size_t skip_well_formed(std::string_view bytes, std::size_t at) {
  return __builtin_cpu_supports("avx2") ? skip_by_blocks(bytes, at) : at;
}

}  // namespace bertha
