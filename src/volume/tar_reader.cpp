#include "volume/tar_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <memory>

#include "core/error.hpp"
#include "core/text.hpp"
#include "volume/utf8_locale.hpp"

namespace darkshelf::volume {

namespace {

struct FreeArchive {
  void operator()(archive* a) const noexcept { ::archive_read_free(a); }
};

/// What libarchive reads from. An error of the file comes out of the call that asked, not through libarchive.
struct Source {
  io::File& file;
  core::Bytes buffer = core::Bytes(256 << 10);
  std::uint64_t offset = 0;
  std::exception_ptr error = nullptr;
};

la_ssize_t read_on(archive*, void* data, const void** out) {
  auto& source = *static_cast<Source*>(data);
  try {
    const std::size_t got = source.file.read_at(source.offset, source.buffer);
    source.offset += got;
    *out = source.buffer.data();
    return static_cast<la_ssize_t>(got);
  } catch (...) {
    source.error = std::current_exception();
    return -1;
  }
}

}  // namespace

void read_small_tar(io::File& tar, std::uint64_t most,
                    const std::function<bool(const std::string& path, core::Bytes content)>& file) {
  const Utf8Locale utf8;
  const std::unique_ptr<archive, FreeArchive> reader(::archive_read_new());
  Source source{.file = tar};
  const auto must = [&](int result) {
    if (source.error) std::rethrow_exception(source.error);
    if (result >= ARCHIVE_WARN) return;
    const char* why = ::archive_error_string(reader.get());
    throw core::Error(core::Code::kCorrupt, fmt::format("it is no tar, or breaks off: {}",
                                                        core::printable(why == nullptr ? "unknown" : why)));
  };
  must(::archive_read_support_format_tar(reader.get()));
  must(::archive_read_open(reader.get(), &source, nullptr, read_on, nullptr));
  for (archive_entry* entry = nullptr;;) {
    const int result = ::archive_read_next_header(reader.get(), &entry);
    if (result == ARCHIVE_EOF) return;
    must(result);
    const char* path = ::archive_entry_pathname(entry);
    const auto bytes = ::archive_entry_size(entry);
    if (path == nullptr || ::archive_entry_filetype(entry) != AE_IFREG || bytes < 0 ||
        static_cast<std::uint64_t>(bytes) > most)
      continue;
    core::Bytes content(static_cast<std::size_t>(bytes));
    std::size_t got = 0;
    while (got < content.size()) {
      const la_ssize_t more = ::archive_read_data(reader.get(), content.data() + got, content.size() - got);
      if (more < 0) must(static_cast<int>(more));
      if (more <= 0) break;
      got += static_cast<std::size_t>(more);
    }
    if (got == content.size() && !file(path, std::move(content))) return;
  }
}

}  // namespace darkshelf::volume
