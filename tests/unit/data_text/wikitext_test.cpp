// MediaWiki markup to paragraphs: golden pieces, and markup made to be slow.
#include "data_pipeline/text/wikitext.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string one(std::string_view markup) {
  std::string joined;
  const Paragraphs paragraphs = wikitext_to_paragraphs(markup);
  for (const std::string_view paragraph : paragraphs) {
    joined += joined.empty() ? "" : " / ";
    joined += paragraph;
  }
  return joined;
}

TEST(Wikitext, Links) {
  EXPECT_EQ(one("A [[cat]]s, [[dog|the dog]], [[a#b|c|d]]."), "A cats, the dog, c|d.");
  EXPECT_EQ(one("x [[:Category:Foo]] y"), "x Category:Foo y");
  EXPECT_EQ(one("[http://x.org/a?b=c the site] and [http://y.org]."), "the site and.");
  EXPECT_EQ(one("[//x.org label] [mailto:a@b.c mail] [sic] a[0]"), "label mail [sic] a[0]");
  EXPECT_EQ(one("See http://x.org/a_(b). Then https://y.z, end"), "See. Then, end");
  EXPECT_EQ(one("un[[closed link\n\nnext ]]paragraph"), "unclosed link / next paragraph");
  EXPECT_EQ(one("[[de:Hund]][[zh-min-nan:X]][[simple:X]]text"), "text");
  EXPECT_EQ(one("[[2001: A Space Odyssey]]"), "2001: A Space Odyssey");
}

TEST(Wikitext, FilesAndCategoriesInManyLanguages) {
  EXPECT_EQ(one("a [[File:x.jpg|thumb|A [[cap|caption]] [http://x y]]]b"), "a b");
  EXPECT_EQ(one("[[image:x.jpg]][[ Datei : x|y]][[Category:A|*]]z"), "z");
  EXPECT_EQ(one("[[Файл:x.jpg|мини|надпис]][[КАРТИНКА:y]][[Категория:Я]]текст"), "текст");
  EXPECT_EQ(one("[[File:x.jpg|thumb|caption\nover lines]]\nText"), "Text");
}

TEST(Wikitext, Templates) {
  EXPECT_EQ(one("a {{b|{{c|d}}|e={{{f|}}} }} g"), "a g");
  EXPECT_EQ(one("{{Infobox\n|x=[[a]]\n|y=\n|}}\nText"), "Text");
  EXPECT_EQ(one("{{a|[[b}} c]] d"), "c d");
  EXPECT_EQ(one("stray }} and {single}"), "stray and {single}");
  EXPECT_EQ(one("{{unclosed [[a|b]] {{c}} d"), "unclosed b d");
}

TEST(Wikitext, TemplatesThatBelongToTheSentence) {
  EXPECT_EQ(one("the {{lang|fr|''haute''}} and {{nowrap|5 [[metre|m]]}}"), "the haute and 5 m");
  EXPECT_EQ(one("{{convert|10|km|mi|abbr=on}} or {{Convert|3|to|5|lb|kg}}"), "10 km or 3 to 5 lb");
  EXPECT_EQ(one("formula {{chem|C|''n''|H|2''n''+2}} of"), "formula CnH2n+2 of");
  EXPECT_EQ(one("{{As of|2009|lc=y}}, it is"), "As of 2009, it is");
  EXPECT_EQ(one("1939{{ndash}}1945, {{transl|ar|ALA|salam}}"), "1939–1945, salam");
}

TEST(Wikitext, Tables) {
  EXPECT_EQ(one("a\n{| class=x\n! h\n|-\n| c {{x|}} || [[d|e]]\n{|\n|n\n|}\n|}\nb"), "a / b");
  EXPECT_EQ(one(":{|\n|x\n|}\nb"), "b");
  EXPECT_EQ(one("a\n{|\n| unclosed\n==H==\nb"), "a / b");
  EXPECT_EQ(one("a\n| row || row\n|-\nb"), "a / b");
  EXPECT_EQ(one("x<table><tr><td>1<table></table></td></tr></table>y"), "xy");
}

TEST(Wikitext, TagsAndReferences) {
  EXPECT_EQ(one("a<ref>x {{y}}</ref>b<ref name=\"n\" />c<REF name=z>q</REF>."), "abc.");
  EXPECT_EQ(one("a<ref>forgot. b<ref>note</ref> c"), "aforgot. b c");
  EXPECT_EQ(one("a<ref>{{x|t = T</ref name\"n\"> of it|url = u}}</ref >b<ref>note</ref>c"), "abc");
  EXPECT_EQ(one("a<ref>x</ref name=n>b<ref>note</ref>c<ref>y</ref name=n>d"), "abcd");
  EXPECT_EQ(one("H<sub>2</sub>O <b>x</b><br />y <!-- c -->z"), "H2O x y z");
  EXPECT_EQ(one("Let <math>x < {{1}}</math> be. <gallery>\nFile:a.jpg|b\n</gallery>"), "Let be.");
  EXPECT_EQ(one("a < b and <foo> x<y"), "a < b and <foo> x<y");
  EXPECT_EQ(one("<nowiki>[[raw]] {{x}} &amp; ''q''</nowiki>"), "[[raw]] {{x}} & ''q''");
  EXPECT_EQ(one("<div style=\"x\">a</div><p>b</p>"), "a / b");
  EXPECT_EQ(one("a <!-- unclosed"), "a");
  EXPECT_EQ(one("<nowiki><!--</nowiki> stays"), "<!-- stays");
}

TEST(Wikitext, RubyKeepsItsTextAndLosesItsReading) {
  EXPECT_EQ(one("<ruby>漢<rt>kan</rt>字<rt lang=\"ja\">ji</rt></ruby> x"), "漢字 x");
  EXPECT_EQ(one("<ruby><rb>東</rb><rp>(</rp><rt>tō</rt><rp>)</rp></ruby>京"), "東京");
  EXPECT_EQ(one("<ruby>旧<rtc><rt>a</rt> b</rtc></ruby>い"), "旧い");
}

TEST(Wikitext, TagsOfExtensionsGoWithTheirAttributes) {
  EXPECT_EQ(one("a <phonos file=\"a.ogg\" ipa=\"x\">sound</phonos> b"), "a sound b");
  EXPECT_EQ(one("a <phonos ipa=\"həˈloʊ\" lang=\"en\" /> b"), "a b");
  EXPECT_EQ(one("a <pages index=\"Book.djvu\" from=1 to=\"9\" /> b <PAGES index=x></PAGES>c"),
            "a b c");
}

TEST(Wikitext, OneVariantOfTheLanguageStays) {
  EXPECT_EQ(one("用-{zh-hans:计算机; zh-hant:電腦;}-吧"), "用计算机吧");
  EXPECT_EQ(one("-{zh-cn:a&nbsp;b [[c|d]];zh-tw:e}- f"), "a b d f");
  EXPECT_EQ(one("-{zh-tw:\n  e ;\n zh-cn:f\n}-g"), "eg");
  EXPECT_EQ(one("-{sr-ec: Београд; sr-el: Beograd}-"), "Београд");
  EXPECT_EQ(one("x -{工具箱=>zh-hans:工具;}- y"), "x 工具 y");
  // Text that is not to be converted.
  EXPECT_EQ(one("a -{plain; text: here}- b"), "a plain; text: here b");
  EXPECT_EQ(one("-{[[a|b]] {{c|d}}}-"), "b");
  EXPECT_EQ(one("-{}-a-{ }-b"), "a b");
  EXPECT_EQ(one("-{a-{zh:b;zh-cn:c}-d}-"), "abd");
}

TEST(Wikitext, FlagsOfLanguageVariants) {
  EXPECT_EQ(one("a-{H|zh-cn:x;zh-tw:y}-b-{T|zh-cn:t}-c-{-|zh-cn:x}-d-{N|zh-cn}-e"), "abcde");
  EXPECT_EQ(one("a-{A|zh-cn:x;zh-tw:y}-b-{R|zh-cn:raw}-c-{zh-hans; zh-hant|z}-"), "axbzh-cn:rawcz");
  EXPECT_EQ(one("-{H;A|zh-cn:x}-a-{|b}-"), "ab");
  EXPECT_EQ(one("-{Hello|there}-"), "Hello|there");  // no flag
}

TEST(Wikitext, WhatIsNoLanguageVariant) {
  EXPECT_EQ(one("semi-{{nowrap|x}}-y {a}-b a-{b"), "semi-x-y {a}-b a-{b");
  EXPECT_EQ(one("-{ {{a}}-{{b}} x}-"), "- x");
  EXPECT_EQ(one("<nowiki>-{zh:a}-</nowiki> <nowiki>"), "-{zh:a}-");
  std::string nested, opened;
  for (int i = 0; i < 200'000; ++i) nested += "-{a";
  opened = nested + " b";
  for (int i = 0; i < 200'000; ++i) nested += "}-";
  EXPECT_EQ(one(opened).size(), opened.size());  // in an instant
  EXPECT_NE(one(nested), "");
}

TEST(Wikitext, QuotesEntitiesAndSwitches) {
  EXPECT_EQ(one("''i'' '''b''' '''''ib''''' ''''q'''' don't"), "i b ib 'q' don't");
  EXPECT_EQ(one("a&nbsp;b &amp;amp; &lt;ref&gt; &#65;&#x42; &bogus; AT&T &#0;"),
            "a b &amp; <ref> AB &bogus; AT&T \xEF\xBF\xBD");
  EXPECT_EQ(one("__NOTOC__x __init__ __БЕЗСЪДЪРЖАНИЕ__y"), "x __init__ y");
}

TEST(Wikitext, ParagraphsListsAndHeadings) {
  EXPECT_THAT(wikitext_to_paragraphs("a\nb\n\nc\n* d\n** [[e]]\n: f\n# g\nh\n----\ni"),
              ElementsAre("a b", "c", "d", "e", "f", "g", "h", "i"));
  EXPECT_THAT(wikitext_to_paragraphs("a\n== H ==\nb\n=== ''I'' === <!-- x -->\nc = d ="),
              ElementsAre("a", "b", "c = d ="));
  EXPECT_THAT(wikitext_to_paragraphs("a\n<!-- alone -->\nb"), ElementsAre("a b"));
  EXPECT_THAT(wikitext_to_paragraphs(""), IsEmpty());
  EXPECT_THAT(wikitext_to_paragraphs("{{x}}\n* \n: ...\n"), IsEmpty());
}

TEST(Wikitext, SectionsThatOnlyPointElsewhereGo) {
  EXPECT_EQ(one("a\n== See also ==\n* b\n=== More ===\nc\n== Life ==\nd\n==References==\n* e"),
            "a / d");
  EXPECT_EQ(one("а\n== Външни препратки ==\n* б"), "а");
}

TEST(Wikitext, MendsWhatRemovalLeaves) {
  EXPECT_EQ(one("Foo ({{IPA|x}}) is"), "Foo is");
  EXPECT_EQ(one("Foo ({{IPA|x}}; {{lang-de|y}}, born 1950, {{z}}) is"), "Foo (born 1950) is");
  EXPECT_EQ(one("a {{x}}, b {{y}}. The .NET main() and f(x)."), "a, b. The .NET main() and f(x).");
  EXPECT_EQ(one("{{x}}, a   b\t c {{y}} ."), "a b c.");
  EXPECT_EQ(one("A (Dari: {{x}}, Af) and B (Greek: {{x}})"), "A (Dari: Af) and B (Greek)");
  EXPECT_EQ(one("R (born A,{{x}}; d) is: {{y}}, z."), "R (born A; d) is: z.");
  EXPECT_EQ(one("Papers: {{cite|x}}. The title.<ref>x</ref>. More"), "Papers. The title. More");
  EXPECT_EQ(one("a ... b. . . c: ...d ,.5 e.. (f:...) [...] call[]"),
            "a... b... c:...d,.5 e. (f:...) [...] call[]");
}

TEST(Wikitext, Redirects) {
  EXPECT_TRUE(is_redirect_text("#REDIRECT [[A]]"));
  EXPECT_TRUE(is_redirect_text("\n #Redirect:[[A]]"));
  EXPECT_TRUE(is_redirect_text("#WEITERLEITUNG[[A]]"));
  EXPECT_FALSE(is_redirect_text("# first [[A]]"));
  EXPECT_FALSE(is_redirect_text("A #REDIRECT [[A]]"));
  EXPECT_FALSE(is_redirect_text("#REDIRECT"));
}

// Each of these makes a scanner that looks back or ahead again and again take hours at this size.
TEST(Wikitext, HostileMarkupTakesLinearTime) {
  constexpr std::size_t kBytes = 4'000'000;
  const auto repeat = [](std::string_view piece, std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += piece;
    return text;
  };
  for (const char* piece : {"{{",       "[[",
                            "{{{",      "[[a|",
                            "{{lang|",  "\n{|",
                            "<ref>",    "<ref><math>",
                            "<ref",     "<!--",
                            "<",        "<nowiki>",
                            "[http://", "[http://a [[b|",
                            "''",       "'",
                            "&",        "&amp",
                            "_",        "__A",
                            "\n=",      "=",
                            "\n*",      "(",
                            "( ,",      " ",
                            "\n",       "}}",
                            "]]",       "|",
                            "|}\n",     "{{a|[[b|",
                            "<table>",  "http://",
                            "[[:",      ":",
                            "<ref/>",   "<!---->",
                            "\n==a==",  "{{convert|1|to|",
                            "[[File:",  "[[\n",
                            "{{a}}[[b", "<br>",
                            "x=",       "\n:{|\n!"}) {
    wikitext_to_paragraphs(repeat(piece, kBytes));
  }
  const std::size_t half = kBytes / 2;
  wikitext_to_paragraphs(repeat("[[", half) + repeat("]]", half));
  wikitext_to_paragraphs(repeat("{{", half) + repeat("}}", half));
  wikitext_to_paragraphs(repeat("[[a|", half) + repeat("x", half) + repeat("]]", half));
  wikitext_to_paragraphs(repeat("{{lang|a|", half) + repeat("x", half) + repeat("}}", half));
  wikitext_to_paragraphs(repeat("\n{|", half) + repeat("\n|}", half));
  wikitext_to_paragraphs(repeat(" ", half) + repeat("<!-- -->", half));
  wikitext_to_paragraphs(repeat("<ref><ref/>", half) + "</ref>");
  wikitext_to_paragraphs(repeat("<ref></ref x>", kBytes));
  wikitext_to_paragraphs("<ref>" + repeat("</ref x>", kBytes));
  wikitext_to_paragraphs(repeat("(", half) + repeat(" , )", half));
  wikitext_to_paragraphs(repeat("-{a", half) + repeat("}-", half));
  wikitext_to_paragraphs("-{" + repeat("zh:a;", kBytes) + "}-");
  wikitext_to_paragraphs("-{zh:a" + repeat(";b", kBytes) + "}-");
  wikitext_to_paragraphs(repeat("-{{", half) + repeat("}}-", half));
}

}  // namespace
}  // namespace bertha
