// data table: namespaces, redirect words and section titles of the larger Wikipedias.
// Namespace and redirect names: MediaWiki's languages/messages/Messages*.php ($namespaceNames,
// $namespaceAliases, $magicWords), as each wiki shows them in its dumps' <siteinfo>.
#include "data_pipeline/text/wiki_names.h"

#include <algorithm>
#include <cstdint>
#include <unordered_set>

#include <unicode/uchar.h>

#include "data_pipeline/text/code_points.h"

namespace bertha {
namespace {

using Names = std::unordered_set<std::string_view>;

constexpr std::size_t kLongestName = 100;  // bytes looked at before a colon

// Media, file and category namespaces, folded.
const Names& hidden_namespaces() {
  static const Names names = {
      "file",     "image",      "media",      "category",  // canonical
      "файл",     "картинка",   "медия",      "медиа",      "категория",  "изображение",  // bg, ru
      "файл",     "зображення", "медіа",      "категорія",                                // uk
      "датотека", "слика",      "медиј",      "категорија",                               // sr, mk
      "datei",    "bild",       "medium",     "kategorie",                                // de
      "fichier",  "média",      "catégorie",                                              // fr
      "archivo",  "imagen",     "medio",      "categoría",                                // es
      "ficheiro", "arquivo",    "imagem",     "multimédia", "multimídia", "categoria",    // pt
      "immagine",                                                                         // it
      "bestand",  "afbeelding", "categorie",                                              // nl
      "plik",     "grafika",    "kategoria",                                              // pl
      "fil",      "kategori",   "mediafil",                           // sv, da, no
      "tiedosto", "kuva",       "luokka",                             // fi
      "soubor",   "média",      "súbor",      "kategória",            // cs, sk
      "fájl",     "kép",                                              // hu
      "fișier",   "imagine",                                          // ro
      "dosya",    "resim",      "ortam",      "kategori",             // tr
      "αρχείο",   "εικόνα",     "μέσο",       "κατηγορία",            // el
      "datoteka", "slika",      "kategorija",                         // hr, sl
      "fitxer",   "imatge",                                           // ca
      "ملف",      "صورة",       "وسائط",      "ميديا",      "تصنيف",  // ar
      "پرونده",   "تصویر",      "رسانه",      "رده",                  // fa
      "קובץ",     "תמונה",      "מדיה",       "קטגוריה",              // he
      "ファイル", "画像",       "メディア",   "カテゴリ",             // ja
      "文件",     "档案",       "檔案",       "图像",       "圖像",       "媒体",
      "媒體",     "分类",       "分類",                // zh
      "파일",     "그림",       "미디어",     "분류",  // ko
      "चित्र",     "मीडिया",     "श्रेणी",                // hi
      "tập tin",  "hình",       "thể loại",            // vi
      "berkas",   "gambar",                            // id
      "dosiero",  "kategorio",                         // eo
  };
  return names;
}

const Names& redirect_words() {
  static const Names words = {"redirect",
                              "weiterleitung",
                              "redirection",
                              "redirección",
                              "redireccion",
                              "rinvia",
                              "rimando",
                              "doorverwijzing",
                              "patrz",
                              "przekieruj",
                              "tam",
                              "omdirigering",
                              "omdiriger",
                              "uudelleenohjaus",
                              "ohjaa",
                              "přesměruj",
                              "presmeruj",
                              "átirányítás",
                              "redirecționare",
                              "yönlendirme",
                              "ανακατευθυνση",
                              "ανακατεύθυνση",
                              "preusmjeri",
                              "preusmeritev",
                              "redirecció",
                              "redirecionamento",
                              "перенаправление",
                              "перенапр",
                              "перенаправлення",
                              "виж",
                              "пренасочване",
                              "преусмери",
                              "преусмјери",
                              "пренасочување",
                              "تحويل",
                              "تغییر مسیر",
                              "تغییرمسیر",
                              "הפניה",
                              "転送",
                              "リダイレクト",
                              "重定向",
                              "넘겨주기",
                              "अनुप्रेषित",
                              "đổi",
                              "alih",
                              "alidirektu"};
  return words;
}

const Names& pointer_sections() {
  static const Names titles = {"references",
                               "reference",
                               "references and notes",
                               "notes and references",
                               "notes",
                               "footnotes",
                               "footnote",
                               "citations",
                               "sources",
                               "bibliography",
                               "further reading",
                               "external links",
                               "external link",
                               "see also",
                               "works cited",
                               "endnotes",
                               "links",
                               "external references",
                               "notes and citations",
                               "references and footnotes",
                               "literature",
                               "selected bibliography",
                               "external sources",
                               "sources and further reading",
                               "references and further reading",
                               "bibliography and further reading",
                               "further reading and external links",
                               "източници",
                               "бележки",
                               "външни препратки",
                               "вижте също",
                               "литература",
                               "бележки и източници",
                               "библиография",
                               "допълнителна литература",
                               "външни връзки",
                               "източници и бележки",
                               "einzelnachweise",
                               "weblinks",
                               "siehe auch",
                               "literatur",
                               "quellen",
                               "anmerkungen",
                               "notes et références",
                               "références",
                               "voir aussi",
                               "liens externes",
                               "bibliographie",
                               "referencias",
                               "enlaces externos",
                               "véase también",
                               "notas",
                               "bibliografía",
                               "referências",
                               "ligações externas",
                               "ver também",
                               "bibliografia",
                               "note",
                               "collegamenti esterni",
                               "altri progetti",
                               "voci correlate",
                               "bronnen",
                               "externe links",
                               "zie ook",
                               "referenties",
                               "przypisy",
                               "linki zewnętrzne",
                               "zobacz też",
                               "примечания",
                               "ссылки",
                               "см. также",
                               "источники",
                               "примітки",
                               "посилання",
                               "див. також",
                               "джерела",
                               "参考文献",
                               "脚注",
                               "外部リンク",
                               "関連項目",
                               "出典",
                               "参考资料",
                               "外部链接",
                               "参见",
                               "外部連結",
                               "參考文獻",
                               "參見",
                               "注释",
                               "각주",
                               "외부 링크",
                               "같이 보기",
                               "참고 문헌",
                               "kaynakça",
                               "dış bağlantılar",
                               "ayrıca bakınız",
                               "referenser",
                               "externa länkar",
                               "se även",
                               "källor",
                               "referanser",
                               "eksterne lenker",
                               "kilder",
                               "lähteet",
                               "aiheesta muualla",
                               "katso myös",
                               "reference",
                               "externí odkazy",
                               "související články",
                               "jegyzetek",
                               "források",
                               "külső hivatkozások",
                               "مراجع",
                               "وصلات خارجية",
                               "انظر أيضا",
                               "انظر أيضًا",
                               "הערות שוליים",
                               "קישורים חיצוניים",
                               "ראו גם",
                               "منابع",
                               "پیوند به بیرون",
                               "جستارهای وابسته"};
  return titles;
}

// "simple", two or three letters, or letters with a dash: how languages are written in links. What
// else has such a form (doi:, rfc:) is a pointer too.
bool is_language_prefix(std::string_view prefix) {
  const bool letters = std::all_of(prefix.begin(), prefix.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
  if (!letters) return false;
  if (prefix == "simple") return true;
  const auto dash = prefix.find('-');
  if (dash == std::string_view::npos) return prefix.size() == 2 || prefix.size() == 3;
  return dash >= 2 && dash <= 4 && prefix.size() <= 12;
}

}  // namespace

std::string fold_wiki_name(std::string_view name) {
  std::string folded;
  folded.reserve(name.size());
  while (!name.empty()) {
    const CodePoint c = first_code_point(name);
    name.remove_prefix(c.bytes);
    if (c.value >= 0 && c.value != '_' && u_isUWhiteSpace(c.value) == 0) {
      append_code_point(u_foldCase(c.value, U_FOLD_CASE_DEFAULT), folded);
    } else if (!folded.empty() && folded.back() != ' ') {
      folded += ' ';
    }
  }
  if (!folded.empty() && folded.back() == ' ') folded.pop_back();
  return folded;
}

void WikiNames::add_namespace(int key, std::string_view name) {
  constexpr int kMedia = -2, kFile = 6, kCategory = 14;
  std::string folded = fold_wiki_name(name);
  if (key == 0 || folded.empty()) return;
  if (key == kMedia || key == kFile || key == kCategory) hidden_.insert(folded);
  declared_.insert(std::move(folded));
}

bool WikiNames::hides_link(std::string_view target) const {
  const std::string_view start = target.substr(0, kLongestName);
  const auto colon = start.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view prefix = start.substr(0, colon);
  if (is_language_prefix(prefix)) return true;
  const std::string folded = fold_wiki_name(prefix);
  return hidden_namespaces().contains(folded) || hidden_.contains(folded);
}

bool WikiNames::has_namespace(std::string_view title) const {
  const auto colon = title.substr(0, kLongestName).find(':');
  if (colon == std::string_view::npos) return false;
  return declared_.contains(fold_wiki_name(title.substr(0, colon)));
}

bool is_pointer_section(std::string_view title) {
  return title.size() <= kLongestName && pointer_sections().contains(fold_wiki_name(title));
}

bool is_redirect_word(std::string_view word) {
  return word.size() <= kLongestName && redirect_words().contains(fold_wiki_name(word));
}

}  // namespace bertha
