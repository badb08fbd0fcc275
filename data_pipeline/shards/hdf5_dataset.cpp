// What a dataset is and where its bytes lie.
#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "data_pipeline/shards/hdf5_file.h"
#include "data_pipeline/shards/hdf5_library.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

std::string describe_type(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) return "no number";
  std::string name = kind == H5T_FLOAT                   ? "float"
                     : H5Tget_sign(type) == H5T_SGN_NONE ? "uint"
                                                         : "int";
  name += std::to_string(8 * H5Tget_size(type));
  if (H5Tget_order(type) == H5T_ORDER_BE) name += " big-endian";
  // Integers padded within their bytes are legal HDF5, and nothing we read.
  if (H5Tget_precision(type) != 8 * H5Tget_size(type)) name += " with padding";
  return name;
}

void place_data(hid_t dataset, std::size_t element_bytes, Hdf5Dataset& description) {
  const PropertiesHandle creation(H5Dget_create_plist(dataset));
  if (!creation || H5Pget_layout(creation.get()) != H5D_CONTIGUOUS) return;
  if (H5Pget_external_count(creation.get()) != 0) return;
  const haddr_t address = H5Dget_offset(dataset);
  if (address == HADDR_UNDEF) return;
  std::uint64_t elements = 1;
  for (const std::uint64_t edge : description.shape) {
    if (edge == 0 || elements > UINT64_MAX / edge) return;
    elements *= edge;
  }
  if (elements > UINT64_MAX / element_bytes) return;
  description.contiguous = H5Dget_storage_size(dataset) == elements * element_bytes;
  description.address = address;
  description.bytes = elements * element_bytes;
}

constexpr H5Z_filter_t kLzf = 32000;  // as registered with the HDF Group

std::string filter_name(H5Z_filter_t filter) {
  if (filter == H5Z_FILTER_DEFLATE) return "gzip";
  if (filter == H5Z_FILTER_SHUFFLE) return "shuffle";
  if (filter == H5Z_FILTER_FLETCHER32) return "fletcher32";
  if (filter == kLzf) return "lzf";
  if (filter == H5Z_FILTER_SZIP) return "szip";
  if (filter == H5Z_FILTER_NBIT) return "nbit";
  if (filter == H5Z_FILTER_SCALEOFFSET) return "scaleoffset";
  return "filter " + std::to_string(filter);
}

void describe_chunks(hid_t dataset, Hdf5Dataset& description) {
  const PropertiesHandle creation(H5Dget_create_plist(dataset));
  if (!creation || H5Pget_layout(creation.get()) != H5D_CHUNKED) return;
  std::vector<hsize_t> shape(description.shape.size());
  const int rank = H5Pget_chunk(creation.get(), static_cast<int>(shape.size()), shape.data());
  if (rank != static_cast<int>(shape.size())) return;
  const int filters = H5Pget_nfilters(creation.get());
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    std::size_t values = 0;
    const auto filter = H5Pget_filter2(creation.get(), static_cast<unsigned>(i), &flags, &values,
                                       nullptr, 0, nullptr, nullptr);
    description.filters.push_back(filter_name(filter));
  }
  description.chunk_shape.assign(shape.begin(), shape.end());
}

DatasetHandle open_dataset(hid_t file, const std::string& path, const std::string& name) {
  return DatasetHandle(good(H5Dopen2(file, name.c_str(), H5P_DEFAULT), path, "dataset " + name));
}

}  // namespace

bool Hdf5File::has(const std::string& name) const {
  const LibraryScope library;
  return good(H5Lexists(file_.get(), name.c_str(), H5P_DEFAULT), path_, "dataset " + name) > 0;
}

std::vector<Hdf5Chunk> Hdf5File::find_chunks(
    const std::string& name, const std::vector<std::vector<std::uint64_t>>& starts) const {
  const LibraryScope library;
  const DatasetHandle dataset = open_dataset(file_.get(), path_, name);
  std::vector<Hdf5Chunk> chunks;
  for (const auto& start : starts) {
    const std::vector<hsize_t> place(start.begin(), start.end());
    unsigned skipped = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t bytes = 0;
    good(H5Dget_chunk_info_by_coord(dataset.get(), place.data(), &skipped, &address, &bytes), path_,
         "dataset " + name);
    chunks.push_back(address == HADDR_UNDEF ? Hdf5Chunk{} : Hdf5Chunk{address, bytes, skipped});
  }
  return chunks;
}

Hdf5Dataset Hdf5File::dataset(const std::string& name) const {
  const LibraryScope library;
  const std::string what = "dataset " + name;
  if (!has(name)) {
    throw Error(ErrorKind::bad_data, path_ + ": " + what + " is missing",
                "is it a shard made by `bertha prepare`?");
  }
  const DatasetHandle dataset = open_dataset(file_.get(), path_, name);
  const TypeHandle type(good(H5Dget_type(dataset.get()), path_, what));
  const SpaceHandle space(good(H5Dget_space(dataset.get()), path_, what));
  const int rank = good(H5Sget_simple_extent_ndims(space.get()), path_, what);
  std::vector<hsize_t> shape(static_cast<std::size_t>(rank));
  good(H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr), path_, what);
  Hdf5Dataset description;
  description.variable_length = H5Tget_class(type.get()) == H5T_VLEN;
  if (description.variable_length) {
    const TypeHandle element(good(H5Tget_super(type.get()), path_, what));
    description.type = describe_type(element.get());
  } else {
    description.type = describe_type(type.get());
  }
  description.shape.assign(shape.begin(), shape.end());
  description.element_bytes = std::max<std::size_t>(H5Tget_size(type.get()), 1);
  place_data(dataset.get(), description.element_bytes, description);
  describe_chunks(dataset.get(), description);
  return description;
}

}  // namespace bertha
