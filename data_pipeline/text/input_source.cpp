// The choice between a part of a dump and a part of any other file.
#include "data_pipeline/text/input_source.h"

#include "data_pipeline/text/dump_parts.h"

namespace bertha {

std::unique_ptr<ByteSource> open_input(const InputFile& file) {
  const bool is_dump_part = file.format == TextFormat::mediawiki && file.is_part();
  return is_dump_part ? open_dump_part(file) : open_file_range(file);
}

}  // namespace bertha
