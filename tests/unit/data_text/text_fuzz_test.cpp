// Damaged text files of every format and compression: an error in words or documents of valid
// UTF-8, never a crash. BERTHA_FUZZ_COUNT changes how many (1,000).
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_pipeline/text/utf8_text.h"
#include "parallel/base/error.h"
#include "sample_files.h"
#include "tests/support/damage.h"

namespace bertha {
namespace {

constexpr char kArticle[] =
    "<mediawiki xml:lang=\"en\"><siteinfo><sitename>W</sitename><namespaces>"
    "<namespace key=\"0\" case=\"first-letter\" /><namespace key=\"10\">Template</namespace>"
    "</namespaces></siteinfo><page><title>Stone &amp; water</title><ns>0</ns><id>7</id><revision>"
    "<id>1</id><text bytes=\"9\" xml:space=\"preserve\">'''Stone''' is [[rock|hard]] {{cite|a={{b}}"
    "|c}} &lt;ref name=&quot;x&quot;&gt;gone&lt;/ref&gt;. {| class=&quot;t&quot;\n|-\n| cell\n|}\n"
    "== Uses ==\n* walls\n* [[File:S.jpg|thumb|a [[picture]]]]\nIt is old. It stays.</text>"
    "</revision></page><page><title>Rock</title><ns>0</ns><redirect title=\"Stone\" /><revision>"
    "<text>#REDIRECT [[Stone]]</text></revision></page></mediawiki>\n";
constexpr char kLines[] =
    "{\"text\": \"One sentence. \\u00e9\\ud83d\\ude00 two.\", \"id\": [1, {\"a\": null}]}\n"
    "{\"id\": 3, \"text\": \"\\n\\nParagraph.\\n\\nAnother \\\"one\\\".\"}\n{\"text\": \"\"}\n";
constexpr char kText[] =
    "A first line\nof text. Caf\xC3\xA9 \xE4\xB8\xAD\xE6\x96\x87.\n\nMore, \xF0\x9F\x98\x80!\n";

bool valid_utf8(std::string_view text) {
  Utf8Repair repair;
  std::string repaired;
  repair.append(text, repaired);
  repair.finish(repaired);
  return repair.replaced_bytes() == 0 && repaired == text;
}

// True: it could be read.
bool read_all(const std::filesystem::path& path, TextFormat format) {
  try {
    for (const auto& document : read_documents(path, format).documents) {
      EXPECT_TRUE(valid_utf8(document.title));
      EXPECT_FALSE(document.paragraphs.empty());
      for (const auto& paragraph : document.paragraphs) EXPECT_TRUE(valid_utf8(paragraph));
    }
    return true;
  } catch (const Error& error) {
    EXPECT_TRUE(error.kind() == ErrorKind::bad_data || error.kind() == ErrorKind::io)
        << error.message();
    EXPECT_NE(error.message().find(path.filename().string()), std::string::npos) << error.message();
    return false;
  }
}

TEST(TextFuzz, DamageIsAnErrorOrText) {
  const char* wanted = std::getenv("BERTHA_FUZZ_COUNT");
  const std::uint64_t count = wanted ? std::strtoull(wanted, nullptr, 10) : 1000;
  struct Form {
    std::string name, good;
    TextFormat format;
  };
  std::vector<Form> forms;
  const auto add = [&forms](const std::string& name, const std::string& text, TextFormat format) {
    std::string longer;
    for (int i = 0; i < 20; ++i) longer += text;
    const auto& whole = format == TextFormat::mediawiki ? text : longer;
    forms.push_back({name, whole, format});
    forms.push_back({name + ".gz", gzip(whole), format});
    forms.push_back({name + ".bz2", bzip2(whole), format});
    forms.push_back({name + ".zst", zstd(whole), format});
  };
  add("dump.xml", kArticle, TextFormat::mediawiki);
  add("lines.jsonl", kLines, TextFormat::jsonl);
  add("plain.txt", kText, TextFormat::text);
  add("sentences.txt", kText, TextFormat::sentences);
  const TemporaryFolder folder;
  std::vector<std::uint64_t> read(forms.size());
  for (const auto& form : forms) {
    ASSERT_TRUE(read_all(folder.write(form.name, form.good), form.format)) << form.name;
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto which = static_cast<std::size_t>(i % forms.size());
    const auto& form = forms[which];
    SCOPED_TRACE(form.name + ", damage " + std::to_string(i));
    const auto path = folder.write(form.name, Damage(form.good, i, 31).make());
    // Every other one is left to be recognised.
    const bool recognise = i / forms.size() % 2 == 1;
    read[which] += read_all(path, recognise ? TextFormat::automatic : form.format);
  }
  // Plain text has no wrong form; a checksum covers most of what is compressed.
  const auto of_each = count / forms.size();
  EXPECT_LT(read[1] + read[2] + read[3], of_each * 3 / 2);
}

}  // namespace
}  // namespace bertha
