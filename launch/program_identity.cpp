// The text of --version, and the build id out of the program's own headers in memory.
#include "launch/program_identity.h"

#include <cstring>
#include <elf.h>
#include <link.h>
#include <sstream>

#include <fmt/format.h>

#include "launch/options.h"

namespace bertha {
namespace {

// Notes: a header, then a name and bytes, each padded to four.
std::string build_id_in(const char* notes, std::size_t size) {
  const auto padded = [](std::size_t length) { return (length + 3) / 4 * 4; };
  for (std::size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes + at, sizeof header);
    const auto name = at + sizeof header, bytes = name + padded(header.n_namesz);
    if (bytes + header.n_descsz > size) break;
    if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 &&
        std::memcmp(notes + name, "GNU", 4) == 0) {
      std::string id;
      for (std::size_t i = 0; i < header.n_descsz; ++i) {
        id += fmt::format("{:02x}", static_cast<unsigned char>(notes[bytes + i]));
      }
      return id;
    }
    at = bytes + padded(header.n_descsz);
  }
  return {};
}

// The first object is the executable itself.
int find_build_id(dl_phdr_info* info, std::size_t, void* found) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto id = build_id_in(reinterpret_cast<const char*>(info->dlpi_addr + segment.p_vaddr),
                                segment.p_memsz);
    if (id.empty()) continue;
    *static_cast<std::string*>(found) = id;
    break;
  }
  return 1;
}

}  // namespace

std::string program_identity() {
  std::ostringstream text;
  print_version(text);
  std::string id;
  ::dl_iterate_phdr(find_build_id, &id);
  return text.str() + "build id " + (id.empty() ? "unknown" : id);
}

}  // namespace bertha
