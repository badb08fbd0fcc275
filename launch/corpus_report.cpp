// Statistics and decoded samples as HTML.
#include "launch/corpus_report.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launch/corpus_counts.h"
#include "launch/decoded_text.h"
#include "launch/sample_listing.h"
#include "parallel/base/error.h"
#include "trainer/metrics/report_data.h"
#include "trainer/metrics/report_page.h"
#include "trainer/metrics/report_tables.h"

namespace bertha {
namespace {

constexpr int kSamples = 8;

std::string number(std::uint64_t value) {
  return short_number(static_cast<double>(value));
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.3g}\u2009%",
                     100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

void add_fact(std::string& list, const std::string& name, const std::string& text) {
  list += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_html(name), escape_html(text));
}

std::string facts(const RunConfig& config, const CorpusCounts& corpus) {
  std::string list;
  add_fact(list, "Folder", config.data.corpus.string());
  add_fact(list, "Vocabulary",
           fmt::format("{} tokens, {} of them in the text ({})",
                       number(static_cast<std::uint64_t>(corpus.vocabulary_size)),
                       number(static_cast<std::uint64_t>(corpus.tokens_used)),
                       percent(static_cast<std::uint64_t>(corpus.tokens_used),
                               static_cast<std::uint64_t>(corpus.vocabulary_size))));
  add_fact(list, "Unknown tokens", percent(corpus.unknown, corpus.counted_tokens));
  add_fact(list, "Pieces inside words", percent(corpus.continuations, corpus.counted_tokens));
  for (const auto& [name, value] : corpus.reading) {
    if (name.find("_from_") != name.npos || value == 0) continue;  // lengths are drawn below
    auto words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    add_fact(list, "Reading: " + words, number(value));
  }
  return "<section><dl>\n" + list + "</dl></section>\n";
}

std::string split_table(const CorpusCounts& corpus) {
  std::string rows;
  for (const auto& split : corpus.splits) {
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escape_html(split.name), number(split.documents), number(split.sentences),
        number(split.tokens), number(split.shards));
  }
  return "<section><h2>Splits</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" "
         "aria-label=\"Splits\"><table class=\"matrix\"><thead><tr><td></td><th "
         "scope=\"col\">documents</th><th scope=\"col\">sentences</th><th scope=\"col\">tokens</th>"
         "<th scope=\"col\">shards</th></tr></thead><tbody>\n" +
         rows + "</tbody></table></div></section>\n";
}

BarTable length_bars(const std::string& caption, const std::string& counted,
                     const LengthHistogram& histogram) {
  BarTable table{caption, "tokens", counted, {}};
  for (const auto& bucket : histogram.buckets()) {
    table.rows.push_back({bucket.from == bucket.to
                              ? number(bucket.from)
                              : number(bucket.from) + " \u2013 " + number(bucket.to),
                          static_cast<double>(bucket.count), number(bucket.count)});
  }
  return table;
}

BarTable frequency_bars(const CorpusCounts& corpus) {
  BarTable table{"Most frequent tokens", "token", "share", {}};
  for (const auto& [token, count] : corpus.most_frequent) {
    table.rows.push_back(
        {token, static_cast<double>(count), percent(count, corpus.counted_tokens)});
  }
  return table;
}

std::string lengths_section(const CorpusCounts& corpus) {
  return "<section><h2>Lengths</h2><div class=\"side\"><div>" +
         html_bars(length_bars("Documents by length", "documents", corpus.document_tokens)) +
         "</div><div>" +
         html_bars(length_bars("Sentences by length", "sentences", corpus.sentence_tokens)) +
         fmt::format(
             "</div></div><p class=\"quiet\">Counted: {} documents of the split {}, {} "
             "tokens.</p></section>\n",
             number(corpus.counted_documents), escape_html(corpus.counted_split),
             number(corpus.counted_tokens));
}

// A corpus too small to make samples of still has a report.
std::string sample_section(const RunConfig& config) {
  auto options = config;
  options.samples = kSamples;
  std::string list;
  try {
    for (const auto& sample : list_samples(options)) list += sample_html(sample);
  } catch (const Error& error) {
    list = "<p>No samples: " + escape_html(error.message()) + ".</p>\n";
  }
  return "<section><h2>Samples</h2><p class=\"quiet\">As the model sees them in the first epoch. "
         "Marked: what stands at a place to be predicted, and <b>the token it hides</b>.</p>\n" +
         list + "</section>\n";
}

}  // namespace

std::string render_corpus_report(const RunConfig& config) {
  const auto corpus = count_corpus(config);
  auto path = std::filesystem::absolute(config.data.corpus).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  ReportPage page{path.filename().string(), "corpus report", {}, {}};
  page.body = facts(config, corpus) + split_table(corpus) + lengths_section(corpus) +
              sample_section(config) + "<section><h2>Tokens</h2>" +
              html_bars(frequency_bars(corpus)) + "</section>\n";
  return html_page(page);
}

}  // namespace bertha
