// MediaWiki XML dumps: streamed pages to articles.
#include <deque>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/text/document_readers.h"
#include "data_pipeline/text/mediawiki_parser.h"
#include "data_pipeline/text/wikitext.h"

namespace bertha {
namespace {

class MediaWikiDocuments final : public DocumentReader {
 public:
  MediaWikiDocuments(const InputFile& file, LargeRecords* shared)
      : turn_(shared), parser_(file, turn_) {}

  bool next(Document& document) override;
  const ReadStatistics& statistics() const override { return statistics_; }
  std::uint64_t compressed_bytes_read() const override { return parser_.compressed_bytes_read(); }

 private:
  bool is_article(const WikiPage& page);

  LargeRecordTurn turn_;  // ends when all the rest is gone
  MediaWikiParser parser_;
  ReadStatistics statistics_;
};

bool MediaWikiDocuments::is_article(const WikiPage& page) {
  const bool in_main_namespace =
      page.ns.empty() ? !parser_.names().has_namespace(page.title) : page.ns == "0";
  if (!in_main_namespace || !(page.model.empty() || page.model == "wikitext")) {
    ++statistics_.skipped_namespaces;
    return false;
  }
  if (page.oversized) {
    ++statistics_.malformed_too_long;
    if (statistics_.skipped_malformed++ == 0) {
      statistics_.first_malformed =
          fmt::format("{}: article \"{}\" is longer than {} MiB", parser_.place(), page.title,
                      kMaximumRecordBytes >> 20);
    }
    return false;
  }
  if (page.redirect || is_redirect_text(page.text)) {
    ++statistics_.skipped_redirects;
    return false;
  }
  return true;
}

bool MediaWikiDocuments::next(Document& document) {
  document.clear();
  WikiPage page;
  // Of a page that is still incomplete there is no more than the piece of the file that was read
  // last, so a large one before it may end its turn.
  for (turn_.end(); parser_.next(page); page = {}, turn_.end()) {
    statistics_.replaced_bytes = parser_.replaced_bytes();
    if (!is_article(page)) continue;
    document.paragraphs = wikitext_to_paragraphs(page.text, parser_.names());
    if (document.paragraphs.empty()) {
      ++statistics_.skipped_empty;
      continue;
    }
    document.title = std::move(page.title);
    document.number = statistics_.documents++;
    return true;
  }
  statistics_.replaced_bytes = parser_.replaced_bytes();
  return false;
}

}  // namespace

std::unique_ptr<DocumentReader> open_mediawiki_documents(const InputFile& file,
                                                         LargeRecords* shared) {
  return std::make_unique<MediaWikiDocuments>(file, shared);
}

}  // namespace bertha
