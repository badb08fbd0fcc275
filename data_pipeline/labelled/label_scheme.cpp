// The first label of each kind is remembered.
#include "data_pipeline/labelled/label_scheme.h"

#include <cstddef>

#include <fmt/format.h>

#include "data_pipeline/labelled/table_text.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {

bool is_entity_label(std::string_view label) {
  return label.size() > 2 && label[1] == '-' &&
         std::string_view("BIESLU").find(label[0]) != std::string_view::npos;
}

void LabelScheme::add(const TaggedSentence& sentence) {
  if (entity_ && class_) return;  // was said
  for (std::size_t i = 0; i < sentence.labels.size(); ++i) {
    check(sentence.labels[i], sentence.line + (word_a_line_ ? i : 0));
  }
}

void LabelScheme::check(std::string_view label, std::uint64_t line) {
  if (label.size() == 1 && std::string_view("OBIES").find(label[0]) != std::string_view::npos) {
    return;
  }
  auto& seen = is_entity_label(label) ? entity_ : class_;
  if (seen) return;
  seen = Seen{std::string(label), line};
  if (!entity_ || !class_) return;
  throw Error(
      ErrorKind::bad_data,
      fmt::format("{}:{}: label '{}' is neither O nor a letter of B, I, E, S, L, U with '-' and a "
                  "name, as '{}' of line {} is",
                  file_, class_->line, excerpt(class_->label), excerpt(entity_->label),
                  entity_->line),
      "mend the label; a file has entities (O, B-x, I-x) or classes of words, not both");
}

void LabelScheme::end() const {
  if (!class_ || entity_) return;
  log_warning(fmt::format(
      "{}:{}: label '{}', as all others but O, is no part of an entity (B-x, I-x): precision, "
      "recall and f1 count runs of words of one label as entities, as seqeval does; for classes "
      "of words take --task.metric accuracy",
      file_, class_->line, excerpt(class_->label)));
}

}  // namespace bertha
