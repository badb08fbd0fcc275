// Prints the documents of a file as JSON lines, then the reader's statistics, for
// test_wikipedia.py. documents_probe FILE [quiet]: quiet reads everything and prints the statistics
// only.
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/text/input_files.h"
#include "data_pipeline/text/sentence_splitter.h"
#include "parallel/base/error.h"

namespace {

using namespace bertha;

std::size_t count_sentences(const Document& document, SentenceSplitter& splitter) {
  std::vector<std::string_view> sentences;
  std::size_t count = 0;
  for (const std::string_view paragraph : document.paragraphs) {
    splitter.split(paragraph, sentences);
    count += sentences.size();
  }
  return count;
}

void print_documents(const InputFile& file, bool quiet) {
  const auto reader = open_documents(file, "text");
  SentenceSplitter splitter;
  Document document;
  std::size_t sentences = 0, bytes = 0;
  while (reader->next(document)) {
    for (const std::string_view paragraph : document.paragraphs) bytes += paragraph.size();
    if (quiet) continue;
    sentences += count_sentences(document, splitter);
    const std::vector<std::string> paragraphs(document.paragraphs.begin(),
                                              document.paragraphs.end());
    const nlohmann::json line = {{"title", document.title}, {"paragraphs", paragraphs}};
    std::cout << line.dump() << "\n";
  }
  const ReadStatistics& found = reader->statistics();
  const nlohmann::json line = {{"documents", found.documents},
                               {"replaced_bytes", found.replaced_bytes},
                               {"skipped_redirects", found.skipped_redirects},
                               {"skipped_namespaces", found.skipped_namespaces},
                               {"skipped_empty", found.skipped_empty},
                               {"sentences", sentences},
                               {"text_bytes", bytes}};
  std::cout << line.dump() << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) throw Error(ErrorKind::usage, "documents_probe FILE [quiet]");
    for (const InputFile& file : find_input_files({.paths = {argv[1]}})) {
      print_documents(file, argc > 2);
    }
  } catch (const Error& error) {
    std::cerr << error.message() << "\n";
    return error.exit_code();
  }
  return 0;
}
