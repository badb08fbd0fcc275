// Reading and writing safetensors files.
#include "trainer/checkpoint/safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/unique_handle.h"
#include "trainer/checkpoint/safetensors_header.h"

namespace bertha {
namespace {

using FileDescriptor = UniqueHandle<int, ::close, -1>;

// Reads exactly `bytes` at `offset`. Not mmap: a file that shrinks or a disk that fails is then an
// error with a name instead of a SIGBUS.
void read_exactly(int file, void* target, std::uint64_t bytes, std::uint64_t offset,
                  const std::string& path) {
  auto* out = static_cast<char*>(target);
  while (bytes > 0) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, 1 << 30));
    const ssize_t got = ::pread(file, out, piece, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_io_error("read", path, errno);
    if (got == 0) throw Error(ErrorKind::bad_data, path + " became shorter while it was read");
    out += got;
    bytes -= static_cast<std::uint64_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
}

void sort_by_alignment(std::vector<NamedTensor>& tensors) {
  std::stable_sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) {
    return a.tensor.element_size() > b.tensor.element_size();
  });
}

SafetensorsHeader header_of(const std::vector<NamedTensor>& tensors,
                            const std::map<std::string, std::string>& metadata) {
  SafetensorsHeader header{{}, metadata};
  std::set<std::string> names{"__metadata__"};
  std::uint64_t place = 0;
  for (const auto& [name, tensor] : tensors) {
    if (!names.insert(name).second) {
      throw Error(ErrorKind::internal, "safetensors: the name " + name + " is given twice");
    }
    const auto end = place + static_cast<std::uint64_t>(tensor.numel() * tensor.element_size());
    header.entries.push_back(
        {name, safetensors_dtype(tensor.scalar_type()), tensor.sizes().vec(), place, end});
    place = end;
  }
  return header;
}

}  // namespace

WrittenFile write_safetensors(const std::filesystem::path& path,
                              const std::vector<NamedTensor>& tensors,
                              const std::map<std::string, std::string>& metadata,
                              const PieceDone& piece_done) {
  static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");
  auto ordered = tensors;
  sort_by_alignment(ordered);
  const auto json = safetensors_header_json(header_of(ordered, metadata));
  const std::uint64_t length = json.size();
  FileWriter writer(path, piece_done);
  writer.write({reinterpret_cast<const char*>(&length), sizeof length});
  writer.write(json);
  for (const auto& named : ordered) {
    const auto tensor = named.tensor.detach().cpu().contiguous();
    writer.write({static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()});
  }
  return writer.finish();
}

struct SafetensorsFile::State {
  std::string path;
  FileDescriptor file;
  std::uint64_t data_begin = 0;
  SafetensorsHeader header;
  std::vector<Entry> entries;
  std::unordered_map<std::string, std::size_t> numbers;  // by name
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : state_(std::make_unique<State>()) {
  auto& state = *state_;
  state.path = path.string();
  // O_NONBLOCK: a FIFO must not hang.
  state.file = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!state.file) throw_io_error("open", state.path, errno);
  struct stat status {};
  if (::fstat(state.file.get(), &status) != 0) throw_io_error("read", state.path, errno);
  if (S_ISDIR(status.st_mode)) throw_io_error("read", state.path, EISDIR);
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_data, state.path + what,
                "the file is damaged or no safetensors file: get it anew");
  };
  if (!S_ISREG(status.st_mode)) fail(" is not a regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::uint64_t length = 0;
  if (size < sizeof length) fail(fmt::format(" is truncated: {} bytes, not even a header", size));
  read_exactly(state.file.get(), &length, sizeof length, 0, state.path);
  if (length > kLargestSafetensorsHeader || length > size - sizeof length) {
    fail(fmt::format(": a header of {} bytes in a file of {}", length, size));
  }
  std::string json(length, '\0');
  read_exactly(state.file.get(), json.data(), length, sizeof length, state.path);
  state.data_begin = sizeof length + length;
  state.header = parse_safetensors_header(json, size - state.data_begin, state.path);
  for (const auto& entry : state.header.entries) {
    state.numbers.emplace(entry.name, state.entries.size());
    state.entries.push_back({entry.name, entry.dtype, entry.shape});
  }
}

SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;

const std::vector<SafetensorsFile::Entry>& SafetensorsFile::entries() const {
  return state_->entries;
}

const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return state_->header.metadata;
}

bool SafetensorsFile::contains(const std::string& name) const {
  return state_->numbers.contains(name);
}

at::Tensor SafetensorsFile::read(const std::string& name) const {
  const auto found = state_->numbers.find(name);
  if (found == state_->numbers.end()) {
    throw Error(ErrorKind::bad_data, state_->path + " holds no tensor " + shown(name));
  }
  const auto& entry = state_->header.entries[found->second];
  auto tensor = at::empty(entry.shape, safetensors_type(entry.dtype, state_->path));
  read_exactly(state_->file.get(), tensor.mutable_data_ptr(), entry.end - entry.begin,
               state_->data_begin + entry.begin, state_->path);
  return tensor;
}

}  // namespace bertha
