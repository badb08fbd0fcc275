// Text in all formats, and labelled data: as `vocab`, `prepare`, `finetune` and `predict` read
// them.
#include <stdexcept>

#include "data_pipeline/labelled/labelled_data.h"
#include "data_pipeline/labelled/labelled_encoding.h"
#include "data_pipeline/labelled/question_windows.h"
#include "data_pipeline/labelled/tagged_sentences.h"
#include "data_pipeline/labelled/word_windows.h"
#include "data_pipeline/text/document_cuts.h"
#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/text/sentence_splitter.h"
#include "data_pipeline/text/utf8_text.h"
#include "data_pipeline/tokenizer/wordpiece.h"
#include "parallel/base/staged_output.h"
#include "readers.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kPartBytes = 8192;  // wanted; so that small files have parts
constexpr int kMaxLength = 64;

Vocabulary letters() {
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char c = '!'; c <= '~'; ++c) {
    if (c >= 'A' && c <= 'Z') continue;
    tokens.emplace_back(1, c);
    tokens.push_back("##" + tokens.back());
  }
  return Vocabulary(std::move(tokens), "letters");
}

const WordPiece& tokenizer() {
  static const Vocabulary vocabulary = letters();
  static const WordPiece one(vocabulary, {});
  return one;
}

void require_utf8(std::string_view text) {
  Utf8Repair repair;
  std::string repaired;
  repair.append(text, repaired);
  repair.finish(repaired);
  if (repair.replaced_bytes() > 0) throw std::logic_error("a text that is no valid UTF-8");
}

void read_documents(const InputFile& file) {
  const auto reader = open_documents(file, "text");
  SentenceSplitter splitter;
  WordPiece::Scratch scratch;
  std::vector<std::string_view> sentences;
  std::vector<std::int32_t> ids;
  Document document;
  while (reader->next(document)) {
    if (document.paragraphs.empty()) throw std::logic_error("a document without text");
    require_utf8(document.title);
    for (const auto& paragraph : document.paragraphs) {
      require_utf8(paragraph);
      splitter.split(paragraph, sentences);
      ids.clear();
      for (const auto sentence : sentences) tokenizer().encode(sentence, ids, scratch);
    }
  }
}

void read_parts(const InputFile& file) {
  auto cuts = find_document_cuts(file, kPartBytes);
  cuts.push_back(file.bytes);
  InputFile part = file;
  for (const auto cut : cuts) {
    part.end = cut;
    part.bytes = part.end - part.begin;
    read_documents(part);
    part.begin = cut;
  }
}

// As the folder's name has it, behind "-": documents-jsonl.
TextFormat format_of(const fs::path& file) {
  const auto folder = file.parent_path().filename().string();
  return parse_text_format(folder.substr(folder.find('-') + 1));
}

}  // namespace

Outcome read_text(const fs::path& file, std::uint64_t number) {
  Outcome outcome;
  const auto folder = file.parent_path();
  // Every other time the program has to find out what it is.
  const auto format = number % 2 == 0 ? format_of(file) : TextFormat::automatic;
  const InputOptions input{.paths = {file.string()}, .format = format};
  count_outcome(outcome, folder, [&] {
    for (const auto& found : find_input_files(input)) read_documents(found);
  });
  count_outcome(outcome, folder, [&] {
    for (const auto& found : find_input_files(input)) read_parts(found);
  });
  if (number % 8 == 0) {
    const auto vocabulary = folder.parent_path() / "letters.txt";
    if (!fs::exists(vocabulary)) write_file(vocabulary, tokenizer().vocabulary().text());
    count_outcome(outcome, folder, [&] { prepare_alone(input, vocabulary, folder); });
  }
  return outcome;
}

Outcome read_questions(const fs::path& file) {
  Outcome outcome;
  WordPiece::Scratch scratch;
  const QuestionWindowOptions windows{
      .max_length = kMaxLength, .max_query_length = 16, .document_stride = 16};
  for (const bool labelled : {true, false}) {
    count_outcome(outcome, file.parent_path(), [&] {
      for (const auto& question : all_rows(open_question_file(file, labelled))) {
        auto encoded = encode_question(question, tokenizer(), windows, scratch);
        if (encoded.windows.empty()) throw std::logic_error("a question without windows");
        for (auto& window : encoded.windows) {
          for (const auto& answer : question.answers) label_window(window, answer);
        }
      }
    });
  }
  return outcome;
}

Outcome read_words(const fs::path& file) {
  Outcome outcome;
  WordPiece::Scratch scratch;
  for (const bool labelled : {true, false}) {
    TaggedOptions options;
    options.labelled = labelled;
    count_outcome(outcome, file.parent_path(), [&] {
      for (const auto& sentence : all_rows(open_tagged_file(file, options))) {
        if (labelled && sentence.words.size() != sentence.labels.size()) {
          throw std::logic_error("words and labels of different numbers");
        }
        encode_words(sentence.words, tokenizer(), kMaxLength, scratch);
      }
    });
  }
  return outcome;
}

Outcome read_table(const fs::path& file) {
  Outcome outcome;
  WordPiece::Scratch scratch;
  for (const bool labelled : {true, false}) {
    LabelledOptions options;
    options.labelled = labelled;
    count_outcome(outcome, file.parent_path(), [&] {
      for (const auto& example : all_rows(open_labelled_file(file, options))) {
        require_utf8(example.text);
        encode_text(example, tokenizer(), kMaxLength, scratch);
      }
    });
  }
  return outcome;
}

}  // namespace bertha
