// Checked calls of the HDF5 C library (1.10 or newer).
#include "data_pipeline/shards/hdf5_file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "data_pipeline/shards/hdf5_attributes.h"
#include "data_pipeline/shards/hdf5_heap.h"
#include "data_pipeline/shards/hdf5_library.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kLongestAttribute = 1 << 16;

PropertiesHandle access_properties(const std::string& path) {
  PropertiesHandle access(written(H5Pcreate(H5P_FILE_ACCESS), path));
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
  written(H5Pset_file_locking(access.get(), false, true), path);  // network file systems lack them
#endif
  return access;
}

// The oldest format with checksums over all that the library writes, but texts of variable length.
PropertiesHandle writing_properties(const std::string& path) {
  PropertiesHandle access = access_properties(path);
  written(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18), path);
  return access;
}

// The errors that are not about the content.
void check_file(const std::string& path, int flags) {
  const UniqueHandle<int, ::close, -1> file(::open(path.c_str(), flags | O_CLOEXEC));
  if (!file) throw_io_error("open", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_io_error("read", path, errno);
  if (S_ISDIR(status.st_mode)) throw_io_error("read", path, EISDIR);
  if (status.st_size == 0) {
    throw Error(ErrorKind::bad_data, path + ": the file is empty, no HDF5 file",
                "restore it from a good copy, or make it anew");
  }
}

AttributeHandle open_attribute(hid_t file, const std::string& path, const std::string& name) {
  const std::string what = "attribute " + name;
  if (good(H5Aexists(file, name.c_str()), path, what) == 0) {
    throw Error(ErrorKind::bad_data, path + ": " + what + " is missing",
                "is it a shard made by `bertha prepare`?");
  }
  AttributeHandle attribute(good(H5Aopen(file, name.c_str(), H5P_DEFAULT), path, what));
  const SpaceHandle space(good(H5Aget_space(attribute.get()), path, what));
  if (H5Sget_simple_extent_npoints(space.get()) != 1) {
    throw Error(ErrorKind::bad_data, path + ": " + what + " is not a single value");
  }
  return attribute;
}

AttributeHandle create_attribute(hid_t file, const std::string& path, const std::string& name,
                                 hid_t type) {
  const SpaceHandle space(written(H5Screate(H5S_SCALAR), path));
  return AttributeHandle(
      written(H5Acreate2(file, name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT), path));
}

TypeHandle text_type(const std::string& path) {
  TypeHandle type(written(H5Tcopy(H5T_C_S1), path));
  written(H5Tset_size(type.get(), H5T_VARIABLE), path);
  written(H5Tset_cset(type.get(), H5T_CSET_UTF8), path);
  return type;
}

std::string read_text(hid_t attribute, const std::string& path, const std::string& what) {
  const TypeHandle type(good(H5Aget_type(attribute), path, what));
  if (H5Tget_class(type.get()) != H5T_STRING) {
    throw Error(ErrorKind::bad_data, path + ": " + what + " is not text");
  }
  // As in the file, or the library finds no conversion.
  const TypeHandle memory_type(good(H5Tcopy(type.get()), path, what));
  if (H5Tis_variable_str(type.get()) > 0) {
    char* text = nullptr;
    good(H5Aread(attribute, memory_type.get(), &text), path, what);
    const std::string value(text ? text : "");
    H5free_memory(text);
    return value;
  }
  std::string value(H5Tget_size(type.get()), '\0');
  if (value.size() > kLongestAttribute) {
    throw Error(ErrorKind::bad_data, path + ": " + what + " is too long");
  }
  good(H5Aread(attribute, memory_type.get(), value.data()), path, what);
  if (const auto end = value.find('\0'); end != value.npos) value.resize(end);
  while (value.ends_with(' ')) value.pop_back();  // HDF5's other way of padding
  return value;
}

}  // namespace

void close_hdf5_handle(std::int64_t handle) {
  const LibraryScope library;
  if (H5Fclose(handle) < 0) H5Eclear2(H5E_DEFAULT);
}

Hdf5File Hdf5File::open(const std::filesystem::path& path) {
  const LibraryScope library;
  check_file(path, O_RDONLY);
  check_name_heaps(path);
  const PropertiesHandle access = access_properties(path);
  return Hdf5File(path, good(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), path,
                             "damaged, truncated or no HDF5 file"));
}

Hdf5File Hdf5File::open_for_writing(const std::filesystem::path& path) {
  const LibraryScope library;
  check_file(path, O_RDWR);
  const PropertiesHandle access = writing_properties(path);
  return Hdf5File(path, written(H5Fopen(path.c_str(), H5F_ACC_RDWR, access.get()), path));
}

Hdf5File Hdf5File::create(const std::filesystem::path& path) {
  const LibraryScope library;
  const PropertiesHandle access = writing_properties(path);
  const PropertiesHandle creation(written(H5Pcreate(H5P_FILE_CREATE), path));
  written(H5Pset_obj_track_times(creation.get(), false), path);
  return Hdf5File(
      path, written(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), path));
}

void Hdf5File::check_attributes_once() const {
  if (!attributes_checked_) check_attributes(path_);
  attributes_checked_ = true;
}

std::string Hdf5File::text_attribute(const std::string& name) const {
  const LibraryScope library;
  check_attributes_once();
  if (!texts_checked_) check_text_heaps(path_);
  texts_checked_ = true;
  const AttributeHandle attribute = open_attribute(file_.get(), path_, name);
  return read_text(attribute.get(), path_, "attribute " + name);
}

std::uint64_t Hdf5File::number_attribute(const std::string& name) const {
  const LibraryScope library;
  check_attributes_once();
  const std::string what = "attribute " + name;
  const AttributeHandle attribute = open_attribute(file_.get(), path_, name);
  const TypeHandle type(good(H5Aget_type(attribute.get()), path_, what));
  if (H5Tget_class(type.get()) != H5T_INTEGER) {
    throw Error(ErrorKind::bad_data, path_ + ": " + what + " is not an integer");
  }
  std::int64_t value = 0;
  good(H5Aread(attribute.get(), H5T_NATIVE_INT64, &value), path_, what);
  if (value < 0) {
    throw Error(ErrorKind::bad_data, fmt::format("{}: {} = {} is negative", path_, what, value));
  }
  return static_cast<std::uint64_t>(value);
}

std::uint64_t Hdf5File::add_dataset(const std::string& name, int element_bytes,
                                    std::uint64_t count) {
  const LibraryScope library;
  const hid_t type = element_bytes == 1   ? H5T_STD_U8LE
                     : element_bytes == 2 ? H5T_STD_U16LE
                     : element_bytes == 4 ? H5T_STD_U32LE
                                          : H5T_STD_U64LE;
  const hsize_t shape = count;
  const SpaceHandle space(written(H5Screate_simple(1, &shape, nullptr), path_));
  const PropertiesHandle creation(written(H5Pcreate(H5P_DATASET_CREATE), path_));
  written(H5Pset_layout(creation.get(), H5D_CONTIGUOUS), path_);
  written(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY), path_);
  written(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), path_);
  written(H5Pset_obj_track_times(creation.get(), false), path_);
  const DatasetHandle dataset(written(H5Dcreate2(file_.get(), name.c_str(), type, space.get(),
                                                 H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                                      path_));
  const haddr_t address = H5Dget_offset(dataset.get());
  if (address == HADDR_UNDEF) fail_write(path_, std::source_location::current());
  return address;
}

void Hdf5File::add_attribute(const std::string& name, std::string_view text) {
  const LibraryScope library;
  const TypeHandle type = text_type(path_);
  const AttributeHandle attribute = create_attribute(file_.get(), path_, name, type.get());
  const std::string terminated(text);
  const char* value = terminated.c_str();
  written(H5Awrite(attribute.get(), type.get(), &value), path_);
}

void Hdf5File::add_attribute(const std::string& name, std::uint64_t number) {
  const LibraryScope library;
  const AttributeHandle attribute = create_attribute(file_.get(), path_, name, H5T_STD_U64LE);
  written(H5Awrite(attribute.get(), H5T_NATIVE_UINT64, &number), path_);
}

void Hdf5File::close() {
  const LibraryScope library;
  if (file_) written(H5Fclose(file_.release()), path_);
}

}  // namespace bertha
