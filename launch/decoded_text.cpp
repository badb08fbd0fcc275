// Decoding of samples.
#include "launch/decoded_text.h"

#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "trainer/metrics/report_tables.h"

namespace bertha {
namespace {

bool frames_text(const std::string& token) {
  return token == "[CLS]" || token == "[SEP]" || token == "[PAD]";
}

void append_piece(std::string& text, const std::string& piece) {
  if (piece.starts_with("##") && piece.size() > 2) {
    text += piece.substr(2);
  } else {
    text += (text.empty() || text.back() == ' ' ? "" : " ") + piece;
  }
}

// How a place to be predicted reads: what the model sees there, and the answer.
using ShowMasked = std::function<std::string(const std::string& seen, const std::string& answer)>;
using Escape = std::function<std::string(const std::string&)>;

// Texts A and, with pairs, B.
std::vector<std::string> sample_texts(const nlohmann::ordered_json& sample, const Escape& escape,
                                      const ShowMasked& masked) {
  std::vector<std::string> texts(1);
  const auto& positions = sample["masked_positions"];
  std::size_t next = 0;
  for (std::size_t i = 0; i < sample["tokens"].size(); ++i) {
    const auto token = sample["tokens"][i].get<std::string>();
    if (texts.size() == 1 && sample["segments"][i] == 1) texts.emplace_back();
    if (next < positions.size() && positions[next] == i) {
      const auto answer = sample["masked_labels"][next++].get<std::string>();
      auto& text = texts.back();
      if (!text.empty() && text.back() != ' ') text += ' ';
      text += masked(token, answer);
    } else if (!frames_text(token)) {
      append_piece(texts.back(), escape(token));
    }
  }
  return texts;
}

std::string pair_text(const nlohmann::ordered_json& sample) {
  const auto& label = sample["next_sentence"];
  if (label.is_null()) return {};
  return label == 0 ? "B follows A" : "B is random";
}

}  // namespace

std::string sample_markdown(const nlohmann::ordered_json& sample) {
  const auto texts = sample_texts(
      sample, [](const std::string& token) { return token; },
      [](const std::string& seen, const std::string& answer) {
        return fmt::format("`{}={}`", seen, answer);
      });
  if (texts.size() == 1) return texts[0];
  return fmt::format("A: {}\n\nB: {}\n\n({})", texts[0], texts[1], pair_text(sample));
}

std::string sample_html(const nlohmann::ordered_json& sample) {
  const auto texts =
      sample_texts(sample, escape_html, [](const std::string& seen, const std::string& answer) {
        return fmt::format("<mark>{} <b>{}</b></mark>", escape_html(seen), escape_html(answer));
      });
  const auto head = fmt::format("{} tokens, {} predictions", sample["tokens"].size(),
                                sample["masked_positions"].size());
  if (texts.size() == 1) {
    return fmt::format("<p class=\"sample\">{}<br><span class=\"quiet\">{}</span></p>\n", texts[0],
                       head);
  }
  return fmt::format(
      "<p class=\"sample\"><b>A</b> {}<br><b>B</b> {}<br><span class=\"quiet\">{}, {}</span></p>\n",
      texts[0], texts[1], pair_text(sample), head);
}

}  // namespace bertha
