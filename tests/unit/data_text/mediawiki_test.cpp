// MediaWiki dumps: what is an article, and hostile XML.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "sample_files.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Page {
  std::string title = "Title", ns = "<ns>0</ns>", extra = "", text = "Some text.";
};

std::string page(const Page& page) {
  return "<page><title>" + page.title + "</title>" + page.ns + "<id>7</id>" + page.extra +
         "<revision><id>8</id><model>wikitext</model><text xml:space=\"preserve\">" + page.text +
         "</text></revision></page>\n";
}

std::string dump(const std::string& pages) {
  return "<mediawiki version=\"0.10\">\n<siteinfo><sitename>W</sitename><namespaces>"
         "<namespace key=\"0\" case=\"first-letter\"/><namespace key=\"1\">Talk</namespace>"
         "<namespace key=\"6\">Bestanden</namespace></namespaces></siteinfo>\n" +
         pages + "</mediawiki>\n";
}

Error error_of(const std::string& xml) {
  TemporaryFolder folder;
  try {
    read_documents(folder.write("dump.xml", xml), TextFormat::mediawiki);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::internal, "there was no error");
}

std::vector<std::string> titles(const ReadResult& result) {
  std::vector<std::string> all;
  for (const Document& document : result.documents) all.push_back(document.title);
  return all;
}

TEST(MediaWiki, KeepsArticlesAndCountsTheRest) {
  TemporaryFolder folder;
  const auto result = read_documents(folder.write(
      "dump.xml", dump(page({.title = "A &amp; B",
                             .text = "'''A''' &lt;ref&gt;x&lt;/ref&gt;is.&#10;&#10;Two"}) +
                       page({.title = "Talk:A", .ns = "<ns>1</ns>"}) +
                       page({.title = "R", .extra = "<redirect title=\"A\" />"}) +
                       page({.title = "S", .text = "#redirect [[A]]"}) +
                       page({.title = "T", .text = " #\xD0\x92\xD0\x98\xD0\x96 [[A]]"}) +
                       page({.title = "E", .text = "{{empty}}"}) +
                       page({.title = "L", .text = "# A [[list]] item\n# another"}))));
  EXPECT_THAT(titles(result), ElementsAre("A & B", "L"));
  EXPECT_THAT(result.documents[0].paragraphs, ElementsAre("A is.", "Two"));
  EXPECT_EQ(result.documents[1].number, 1u);
  EXPECT_EQ(result.statistics.skipped_namespaces, 1u);
  EXPECT_EQ(result.statistics.skipped_redirects, 3u);
  EXPECT_EQ(result.statistics.skipped_empty, 1u);
}

TEST(MediaWiki, OldDumpsWithoutNamespaceNumbersGoByTitle) {
  TemporaryFolder folder;
  const auto result =
      read_documents(folder.write("dump.xml", dump(page({.title = "Talk:A", .ns = ""}) +
                                                   page({.title = "2001: A", .ns = ""}))));
  EXPECT_THAT(titles(result), ElementsAre("2001: A"));
}

TEST(MediaWiki, DeclaredNamespacesOfFilesHideTheirLinks) {
  TemporaryFolder folder;
  const auto result = read_documents(folder.write(
      "dump.xml", dump(page({.text = "One [[Bestanden:x.jpg|thumb|two]][[Talk:A|three]]."}))));
  EXPECT_THAT(result.documents.at(0).paragraphs, ElementsAre("One three."));
}

TEST(MediaWiki, TakesTheLastRevisionAndOtherContentNot) {
  TemporaryFolder folder;
  const std::string xml = dump(
      "<page><title>A</title><ns>0</ns><revision><text>Old.</text></revision>"
      "<revision><text>New.</text><content><text>Slot.</text></content></revision></page>"
      "<page><title>Q1</title><ns>0</ns><revision><model>wikibase-item</model>"
      "<text>{}</text></revision></page>");
  const auto result = read_documents(folder.write("dump.xml", xml));
  ASSERT_THAT(titles(result), ElementsAre("A"));
  EXPECT_THAT(result.documents[0].paragraphs, ElementsAre("New."));
}

TEST(MediaWiki, Utf16AndRepairedUtf8) {
  TemporaryFolder folder;
  const std::string xml = dump(page({.text = "Text."}));
  std::string wide = "\xFF\xFE";
  for (const char c : xml) wide += {c, '\0'};
  EXPECT_THAT(titles(read_documents(folder.write("wide.xml", wide))), ElementsAre("Title"));
  const auto result = read_documents(folder.write("bad.xml", dump(page({.text = "caf\xE9."}))));
  EXPECT_THAT(result.documents.at(0).paragraphs, ElementsAre("caf\xEF\xBF\xBD."));
  EXPECT_EQ(result.statistics.replaced_bytes, 1u);
}

TEST(MediaWiki, TruncationNamesFileAndLine) {
  const std::string xml = dump(page({}) + page({}));
  for (std::size_t size = 0; size + 2 < xml.size(); ++size) {
    const Error error = error_of(xml.substr(0, size));
    ASSERT_EQ(error.kind(), ErrorKind::bad_data) << size << ": " << error.message();
    ASSERT_THAT(error.message(), HasSubstr("dump.xml:"));
  }
  EXPECT_THAT(error_of(xml.substr(0, xml.size() - 20)).message(),
              HasSubstr("dump.xml:4: the XML ends in the middle"));
}

TEST(MediaWiki, RefusesWhatIsNoDump) {
  EXPECT_THAT(error_of("<html><body/></html>").message(), HasSubstr("<html>"));
  EXPECT_THAT(error_of("just text").message(), HasSubstr("dump.xml:1: "));
  EXPECT_THAT(error_of(dump("<page></revision>")).message(), HasSubstr("mismatched tag"));
}

TEST(MediaWiki, RefusesEntityDeclarations) {
  std::string bomb = "<!DOCTYPE mediawiki [<!ENTITY a0 \"aaaaaaaaaa\">";
  for (int i = 1; i < 12; ++i) {
    bomb += "<!ENTITY a" + std::to_string(i) + " \"";
    for (int k = 0; k < 10; ++k) bomb += "&a" + std::to_string(i - 1) + ";";
    bomb += "\">";
  }
  EXPECT_THAT(error_of(bomb + "]>" + dump(page({.text = "&a11;"}))).message(),
              HasSubstr("declares entities"));
  EXPECT_THAT(error_of("<!DOCTYPE mediawiki [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" +
                       dump(page({.text = "&x;"})))
                  .message(),
              HasSubstr("declares entities"));
}

TEST(MediaWiki, RefusesDepthAndEndlessTags) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<a>";
  EXPECT_THAT(error_of("<mediawiki>" + deep).message(), HasSubstr("nested too deeply"));
  const std::string endless = "<mediawiki><page title=\"" + std::string(4 << 20, 'x');
  EXPECT_THAT(error_of(endless).message(), HasSubstr("tag without end"));
}

TEST(MediaWiki, AnOversizedArticleIsSkippedAndNamed) {
  TemporaryFolder folder;
  const std::string xml =
      dump(page({.title = "Huge", .text = std::string(std::size_t{65} << 20, 'x')}) + page({}));
  const auto result = read_documents(folder.write("dump.xml.zst", zstd(xml)));
  EXPECT_THAT(titles(result), ElementsAre("Title"));
  EXPECT_EQ(result.statistics.skipped_malformed, 1u);
  EXPECT_EQ(result.statistics.malformed_too_long, 1u);
  EXPECT_THAT(result.statistics.first_malformed, HasSubstr("\"Huge\""));
}

}  // namespace
}  // namespace bertha
