// The context is tokenized once; windows are ranges of its tokens.
#include "data_pipeline/labelled/question_windows.h"

#include <algorithm>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr int kSpecialTokens = 3;

void append(EncodedExample& window, std::int32_t id, std::int32_t segment, TokenOrigin origin) {
  window.tokens.push_back(id);
  window.segments.push_back(segment);
  window.origins.push_back(origin);
}

EncodedExample encode_window(const std::vector<std::int32_t>& question,
                             const std::vector<WordPiece::Piece>& context, std::size_t begin,
                             std::size_t end, const Vocabulary& vocabulary) {
  EncodedExample window;
  append(window, vocabulary.cls(), 0, {});
  for (const auto id : question) append(window, id, 0, {});
  append(window, vocabulary.sep(), 0, {});
  for (auto i = begin; i < end; ++i) {
    append(window, context[i].id, 1, {0, context[i].begin, context[i].end});
  }
  append(window, vocabulary.sep(), 1, {});
  return window;
}

}  // namespace

void check_question_windows(const QuestionWindowOptions& options) {
  if (options.max_query_length < 1) {
    throw Error(ErrorKind::usage, fmt::format("task.max_query_length is {}; it must be positive",
                                              options.max_query_length));
  }
  if (options.max_length < kSpecialTokens + 2) {
    throw Error(ErrorKind::usage,
                fmt::format("task.max_length is {}; at least {} tokens are needed",
                            options.max_length, kSpecialTokens + 2));
  }
  if (options.document_stride < 0) {
    throw Error(ErrorKind::usage, fmt::format("task.document_stride is {}; it must not be negative",
                                              options.document_stride));
  }
}

int most_question_tokens(const QuestionWindowOptions& options) {
  return std::min(options.max_query_length, options.max_length - kSpecialTokens - 1);
}

QuestionWindows encode_question(const Question& question, const WordPiece& tokenizer,
                                const QuestionWindowOptions& options, WordPiece::Scratch& scratch) {
  check_question_windows(options);
  QuestionWindows result;
  std::vector<std::int32_t> query;
  tokenizer.encode(question.text, query, scratch);
  const auto most = static_cast<std::size_t>(most_question_tokens(options));
  if (query.size() > most) {
    result.lost_tokens = query.size() - most;
    query.resize(most);
  }
  std::vector<WordPiece::Piece> context;
  tokenizer.encode_with_offsets(*question.context, context, scratch);

  const auto room = static_cast<std::size_t>(options.max_length - kSpecialTokens) - query.size();
  auto shared = static_cast<std::size_t>(options.document_stride);
  if (shared >= room) shared = room / 2;
  for (std::size_t begin = 0;; begin += room - shared) {
    const auto end = std::min(begin + room, context.size());
    result.windows.push_back(encode_window(query, context, begin, end, tokenizer.vocabulary()));
    if (end == context.size()) return result;
  }
}

void label_window(EncodedExample& window, const AnswerText& answer) {
  window.labels = {0, 0};
  const auto& origins = window.origins;
  const auto in_context = [](const TokenOrigin& origin) { return origin.word >= 0; };
  const auto first = std::find_if(origins.begin(), origins.end(), in_context);
  const auto last = std::find_if(origins.rbegin(), origins.rend(), in_context).base();
  if (first == origins.end()) return;
  if (first->begin > answer.begin || (last - 1)->end < answer.end) return;
  // The last token that begins no later than the answer, the first that ends no earlier.
  const auto after = std::find_if(
      first, last, [&](const TokenOrigin& origin) { return origin.begin > answer.begin; });
  const auto end = std::find_if(
      first, last, [&](const TokenOrigin& origin) { return origin.end >= answer.end; });
  window.labels = {static_cast<std::int32_t>(after - origins.begin()) - 1,
                   static_cast<std::int32_t>(end - origins.begin())};
}

}  // namespace bertha
