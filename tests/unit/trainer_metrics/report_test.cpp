// The page: one file without network, every text of a run escaped, the right tables and charts.
#include "trainer/metrics/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "tests/unit/trainer_metrics/temporary_folder.h"
#include "trainer/metrics/report_charts.h"
#include "trainer/metrics/report_data.h"
#include "trainer/metrics/report_page.h"
#include "trainer/metrics/report_tables.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

const std::string kMetrics =
    "{\"event\":\"start\",\"step\":0,\"time\":1700000000,\"parameters\":4400000,\"world_size\":2,"
    "\"total_steps\":20,\"unigram_entropy\":6.5,\"from\":\"fresh weights\"}\n"
    "{\"event\":\"train\",\"step\":10,\"loss\":7.123456789,\"mlm_loss\":6.5,\"tokens\":12300,"
    "\"learning_rate\":0.001,\"loss_scale\":1.0,\"tokens_per_second\":1234.5}\n"
    "{\"event\":\"train\",\"step\":20,\"loss\":6.5,\"mlm_loss\":5.9,\"tokens\":24600,"
    "\"learning_rate\":0,\"loss_scale\":1.0,\"tokens_per_second\":1300}\n"
    "{\"event\":\"validation\",\"step\":20,\"loss\":6.75,\"mlm_accuracy\":0.125,\"seconds\":3}\n"
    "{\"event\":\"save\",\"step\":20}\n{\"event\":\"end\",\"step\":20,\"time\":1700000065}\n";

// The JSON that a browser would read out of the page.
nlohmann::json data_of(const std::string& page) {
  const std::string opening = "<script type=\"application/json\" id=\"data\">";
  const auto begin = page.find(opening) + opening.size();
  return nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Report, ShowsOneRun) {
  const TemporaryFolder folder;
  folder.write("run/metrics.jsonl", kMetrics);
  folder.write("run/resolved.ini",
               "# used\n[model]\nsize = tiny\n[train]\noutput = run\nprecision = bf16\n");
  const auto page = render_report({folder.path() / "run"});
  EXPECT_THAT(page, AllOf(HasSubstr("<title>run - Bertha</title>"), HasSubstr("completed"),
                          HasSubstr("20 of 20"), HasSubstr("2023-11-14 22:13 UTC"),
                          HasSubstr("65 s"), HasSubstr("tiny, 4.40 M parameters"),
                          HasSubstr("2 ranks, bf16"), HasSubstr("6.75 at step 20"),
                          HasSubstr("12.50\u2009% at step 20"), HasSubstr("24.6 k")));
  const auto data = data_of(page);
  ASSERT_EQ(data.at("runs").size(), 1U);
  const auto& run = data["runs"][0];
  EXPECT_EQ(run.at("curves").at("train/loss"), nlohmann::json({{10, 20}, {7.12346, 6.5}}));
  EXPECT_EQ(run.at("reference"), 6.5);
  EXPECT_EQ(run.at("markers"), nlohmann::json::parse(R"([["start",0],["save",20],["end",20]])"));
  EXPECT_FALSE(run["curves"].contains("train/tokens"));  // not drawn, so not carried
}

TEST(Report, NeedsNothingFromElsewhere) {
  const TemporaryFolder folder;
  folder.write("run/metrics.jsonl", kMetrics);
  auto page = render_report({folder.path() / "run"});
  const std::string name_space = "http://www.w3.org/2000/svg";  // a name, not an address
  const auto at = page.find(name_space);
  ASSERT_NE(at, std::string::npos);
  page.erase(at, name_space.size());
  for (const char* outside : {"http:", "https:", "//cdn", "src=", "@import", "url(", "fetch("}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
  EXPECT_LT(page.size(), 60'000U);
}

TEST(Report, EscapesWhateverRunsAreCalled) {
  const TemporaryFolder folder;
  const std::string evil = "<img src=x onerror=alert(1)>&\"'";
  const auto metrics =
      "{\"event\":\"start\",\"step\":0,\"from\":\"</script><script>alert(1)</script>\"}\n"
      "{\"event\":\"train\",\"step\":1,\"loss\":1}\n"
      "{\"event\":\"validation\",\"step\":1,\"</script><b>\":1,\"bro\\u0000ken\":2}\n"
      "{\"event\":\"warning\",\"step\":1,\"message\":\"<b>bold</b>\"}\n";
  folder.write(evil + "/metrics.jsonl", metrics);
  folder.write("other/metrics.jsonl", metrics);
  folder.write(evil + "/resolved.ini", "[a]\nb = <i>\n");
  folder.write(evil + "/scores.json", R"({"validation":[{"<u>":1}],"labels":["<s>"]})");
  const auto page = render_report({folder.path() / evil, folder.path() / "other"});
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  for (const char* tag : {"<b>bold", "<i>", "<u>", "<s>", "<b>\""}) {
    EXPECT_THAT(page, Not(HasSubstr(tag)));
  }
  // Only the page's own two script elements end.
  EXPECT_EQ(count_of(page, "</script"), 2U);
  EXPECT_EQ(data_of(page).at("runs")[0].at("name"), evil);
}

TEST(Report, ComparesRunsAndNamesTheOptionsThatDiffer) {
  const TemporaryFolder folder;
  for (const std::string name : {"a/run", "b/run", "c"}) {
    folder.write(name + "/metrics.jsonl", kMetrics);
    folder.write(name + "/resolved.ini", "[train]\noutput = " + name + "\nseed = 1\n[optimizer]\n" +
                                             (name == "c" ? "" : "learning_rate = " + name));
  }
  const auto runs =
      read_runs({folder.path() / "a/run", folder.path() / "b/run/", folder.path() / "c"});
  EXPECT_EQ(runs[0].name, (folder.path() / "a/run").string());  // both are called run
  EXPECT_EQ(runs[2].name, "c");
  EXPECT_THAT(differing_options(runs), ElementsAre("optimizer.learning_rate"));
  const auto page = render_report({folder.path() / "a/run", folder.path() / "c"});
  EXPECT_THAT(page, AllOf(HasSubstr("2 runs compared"), HasSubstr("Options that differ"),
                          HasSubstr("optimizer.learning_rate"), Not(HasSubstr("train.seed"))));
}

TEST(Report, ShowsScoresOfFineTuning) {
  const auto scores = parse_scores(R"({"best_epoch":2,
    "validation":[{"epoch":1,"loss":0.5,"accuracy":0.75},{"epoch":2,"loss":0.25,"accuracy":0.875}],
    "test":{"accuracy":0.8125},"examples":{"train":90,"test":10},"labels":["yes","no"],
    "test_majority_share":0.7})");
  EXPECT_THAT(scores.columns, ElementsAre("loss", "accuracy"));
  ASSERT_EQ(scores.rows.size(), 3U);
  EXPECT_FALSE(scores.rows[0].best);
  EXPECT_TRUE(scores.rows[1].best);
  EXPECT_THAT(scores.rows[1].values, ElementsAre("0.2500", "0.8750"));
  EXPECT_EQ(scores.rows[2].label, "test");
  EXPECT_THAT(scores.rows[2].values, ElementsAre("", "0.8125"));
  EXPECT_THAT(scores.notes, ElementsAre("Examples: train 90, test 10", "Labels: yes, no",
                                        HasSubstr("0.7000 accuracy")));
}

// 3 of a: 2 found, 1 taken for b; 1 of b, found. Precision of b: 1 of 2.
TEST(Report, ShowsConfusionScoresPerClassAndTheWorstErrors) {
  const TemporaryFolder folder;
  folder.write("run/metrics.jsonl", kMetrics);
  folder.write(
      "run/test_errors.json",
      R"({"confusion_matrix":{"labels":["a","<b>"],"counts":[[2,1],[0,1]]},)"
      R"("worst_errors":[{"text":"x & y","label":"a","predicted":"<b>","probability":0.125}]})");
  const auto page = render_report({folder.path() / "run"});
  EXPECT_THAT(page,
              AllOf(HasSubstr("<h2>Errors</h2>"), HasSubstr("style=\"--share:0.333\">1</td>"),
                    HasSubstr("<th scope=\"row\">a</th><td>3</td><td>1.000</td><td>0.667</td>"
                              "<td>0.800</td>"),
                    HasSubstr("<td>1</td><td>0.500</td><td>1.000</td><td>0.667</td>"),
                    HasSubstr("<td>x &amp; y</td><td>a</td><td>&lt;b&gt;</td><td>0.125</td>")));
  EXPECT_EQ(count_of(page, "<b>\""), 0U);
}

// Of 5 texts with label a 3 were found, 1 other got it too: precision 3/4, recall 3/5, F1 6/9.
TEST(Report, ShowsTheConfusionOfEachLabelWhereATextHasSeveral) {
  const TemporaryFolder folder;
  folder.write("run/metrics.jsonl", kMetrics);
  folder.write("run/test_errors.json",
               R"({"label_counts":{"labels":["a"],"counts":[[[7,1],[2,3]]]},)"
               R"("worst_errors":[{"text":"x","label":"a","predicted":"none","f1":0.5}]})");
  const auto page = render_report({folder.path() / "run"});
  EXPECT_THAT(page,
              AllOf(HasSubstr("Scores per label"), Not(HasSubstr("Confusion matrix")),
                    HasSubstr("<th scope=\"row\">a</th><td>5</td><td>3</td><td>2</td><td>1</td>"
                              "<td>0.750</td><td>0.600</td><td>0.667</td>"),
                    HasSubstr("F1 of the answer")));
  folder.write("run/test_errors.json",
               R"({"label_counts":{"labels":["a","b"],"counts":[[[7,1],[2,3]]]}})");
  EXPECT_THAT(render_report({folder.path() / "run"}), HasSubstr("test_errors.json: "));
}

TEST(Report, AConfusionMatrixThatIsNoneIsTold) {
  for (const char* counts : {"[[1]]", "[[1,2],[3]]", "[[1,-2],[3,4]]", "7"}) {
    const TemporaryFolder folder;
    folder.write("run/metrics.jsonl", kMetrics);
    folder.write(
        "run/test_errors.json",
        std::string(R"({"confusion_matrix":{"labels":["a","b"],"counts":)") + counts + "}}");
    EXPECT_THAT(render_report({folder.path() / "run"}), HasSubstr("test_errors.json: ")) << counts;
  }
}

TEST(Report, BarsAreATableThatReadsWithoutThem) {
  const auto html =
      html_bars({"Lengths & more", "tokens", "documents", {{"1", 2, "2"}, {"<2>", 4, "4"}}});
  EXPECT_THAT(
      html,
      AllOf(HasSubstr("<caption>Lengths &amp; more</caption>"), HasSubstr("width:50.0%"),
            HasSubstr("<th scope=\"row\">&lt;2&gt;</th><td>4</td>"), HasSubstr("width:100.0%")));
  EXPECT_THAT(html_bars({"none", "a", "b", {{"x", 0, "0"}}}), HasSubstr("width:0.0%"));
}

TEST(Report, OtherFilesThatAreBrokenAreToldNotFatal) {
  const TemporaryFolder folder;
  folder.write("run/metrics.jsonl", "half a line");
  for (const std::string scores : {"", "[]", "{", "{\"validation\":7}", "\xff"}) {
    folder.write("run/scores.json", scores);
    const auto page = render_report({folder.path() / "run"});
    EXPECT_THAT(page, AllOf(HasSubstr("scores.json"), HasSubstr("could not be read"),
                            HasSubstr("There are no curves yet")))
        << scores;
  }
  EXPECT_THROW(render_report({folder.path() / "missing"}), Error);
}

TEST(Report, ReadsIniFiles) {
  const auto options =
      parse_ini("; c\n# c\n[input]\npaths = a b\r\npaths=c\n\n[x]\nkey =\nno equals\n y = 1 = 2 ");
  EXPECT_THAT(options,
              ElementsAre(Pair("input.paths", "a b, c"), Pair("x.key", ""), Pair("x.y", "1 = 2")));
}

TEST(Report, ChartsWhatIsThereAndChanges) {
  const TemporaryFolder folder;
  folder.write("run/metrics.jsonl",
               kMetrics + "{\"event\":\"validation\",\"step\":21,\"f1\":0.5,\"sequences\":9}\n");
  std::vector<std::string> titles;
  for (const auto& chart : report_charts(read_runs({folder.path() / "run"}))) {
    titles.push_back(chart.title);
  }
  EXPECT_THAT(titles, ElementsAre("Loss", "Masked-word loss", "Masked-word accuracy", "F1",
                                  "Learning rate", "Tokens per second"));  // loss scale is constant
}

TEST(Report, WritesNumbersForPeople) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(-1234567), "-1\u2009234\u2009567");
  EXPECT_EQ(short_number(999), "999");
  EXPECT_EQ(short_number(0.000012345), "1.234e-05");
  EXPECT_EQ(short_number(2.34567), "2.346");
  EXPECT_EQ(short_number(std::numeric_limits<double>::quiet_NaN()), "-");
  EXPECT_EQ(escape_html("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
}

}  // namespace
}  // namespace bertha
