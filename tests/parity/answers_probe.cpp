// Question answering for test_answers.py: a JSON request a line in, its JSON answer a line out.
//   {"kind": "windows", "file", "max_length", "max_query_length", "document_stride"}
//   {"kind": "words", "text"}    {"kind": "scores", "answers"}    {"kind": "choice", "windows",
//   ...}
// "windows" reads the file with its labels and takes the vocabulary that is the one argument.
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "data_pipeline/labelled/question_reader.h"
#include "data_pipeline/labelled/question_windows.h"
#include "data_pipeline/text/answer_words.h"
#include "parallel/base/error.h"
#include "trainer/tasks/answer_choice.h"
#include "trainer/tasks/answer_scores.h"

namespace bertha {
namespace {

using Json = nlohmann::json;

Json windows(const Json& request, const WordPiece& tokenizer) {
  QuestionWindowOptions options;
  options.max_length = request.at("max_length");
  options.max_query_length = request.at("max_query_length");
  options.document_stride = request.at("document_stride");
  WordPiece::Scratch scratch;
  Json result = Json::array();
  for (const auto& question :
       all_rows(open_question_file(request.at("file").get<std::string>(), true))) {
    Json row{{"id", question.id}, {"windows", Json::array()}};
    for (auto& window : encode_question(question, tokenizer, options, scratch).windows) {
      if (question.answers.empty()) {
        window.labels = {0, 0};
      } else {
        label_window(window, question.answers.front());
      }
      Json places = Json::array();
      for (const auto& origin : window.origins) {
        if (origin.word < 0) {
          places.push_back(nullptr);
        } else {
          places.push_back({characters_before(*question.context, origin.begin),
                            characters_before(*question.context, origin.end)});
        }
      }
      row["windows"].push_back({{"tokens", window.tokens},
                                {"segments", window.segments},
                                {"places", places},
                                {"labels", window.labels}});
    }
    result.push_back(row);
  }
  return result;
}

Json candidate_json(const AnswerCandidate& candidate) {
  return {candidate.begin, candidate.end, candidate.score, candidate.probability};
}

Json choice(const Json& request) {
  AnswerOptions options;
  options.n_best = request.at("n_best");
  options.max_answer_length = request.at("max_answer_length");
  options.may_be_missing = request.at("may_be_missing");
  options.null_threshold = request.at("null_threshold");
  std::vector<std::vector<TokenOrigin>> origins;
  std::vector<std::vector<float>> outputs;
  for (const auto& window : request.at("windows")) {
    auto& tokens = origins.emplace_back();
    for (const auto& place : window.at("places")) {
      tokens.push_back(place.is_null() ? TokenOrigin{} : TokenOrigin{0, place[0], place[1]});
    }
    outputs.push_back(window.at("outputs").get<std::vector<float>>());
  }
  std::vector<AnswerWindow> all;
  for (std::size_t i = 0; i < origins.size(); ++i) all.push_back({origins[i], outputs[i].data()});
  const auto chosen = choose_answer(all, options);
  Json n_best = Json::array();
  for (const auto& candidate : chosen.n_best) n_best.push_back(candidate_json(candidate));
  return {{"answer", candidate_json(chosen.answer)},
          {"best", candidate_json(chosen.best)},
          {"null_difference", chosen.null_difference},
          {"n_best", n_best}};
}

Json scores(const Json& request) {
  std::vector<JudgedAnswer> answers;
  for (const auto& answer : request.at("answers")) {
    answers.push_back({answer.at("answer"), answer.at("best"), answer.at("null_difference"),
                       answer.at("truths").get<std::vector<std::string>>()});
  }
  Json result = Json::object();
  for (const auto& [name, value] : answer_scores(answers)) result[name] = value;
  return result;
}

Json answer(const Json& request, const WordPiece& tokenizer) {
  const auto& kind = request.at("kind");
  if (kind == "windows") return windows(request, tokenizer);
  if (kind == "words") return answer_words(request.at("text").get<std::string>());
  return kind == "scores" ? scores(request) : choice(request);
}

}  // namespace
}  // namespace bertha

int main(int argc, char** argv) {
  try {
    const auto vocabulary = bertha::Vocabulary::from_file(argc > 1 ? argv[1] : "vocab.txt");
    const bertha::WordPiece tokenizer(vocabulary, {});
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << bertha::answer(nlohmann::json::parse(line), tokenizer).dump() << '\n';
    }
    return 0;
  } catch (const bertha::Error& error) {
    std::fprintf(stderr, "answers_probe: %s\n", error.message().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "answers_probe: %s\n", error.what());
  }
  return 1;
}
