#include "volume/tar_writer.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <array>
#include <exception>
#include <utility>

#include "core/error.hpp"
#include "core/text.hpp"
#include "volume/utf8_locale.hpp"

namespace darkshelf::volume {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kBlock = 512;
constexpr std::uint64_t kEndBlocks = 2 * kBlock;

struct FreeArchive {
  void operator()(archive* a) const noexcept { ::archive_write_free(a); }
};
struct FreeEntry {
  void operator()(archive_entry* e) const noexcept { ::archive_entry_free(e); }
};
using Entry = std::unique_ptr<archive_entry, FreeEntry>;

Entry entry_for(const fv::Member& member) {
  Entry entry(::archive_entry_new());
  archive_entry* e = entry.get();
  const bool folder = member.type == fv::MemberType::kDirectory;
  ::archive_entry_set_pathname(e, (folder ? member.path + "/" : member.path).c_str());
  ::archive_entry_set_perm(e, static_cast<mode_t>(member.mode));
  std::int64_t seconds = member.mtime_ns / 1'000'000'000, rest = member.mtime_ns % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --seconds;
  }
  ::archive_entry_set_mtime(e, static_cast<time_t>(seconds), static_cast<long>(rest));
  switch (member.type) {
    case fv::MemberType::kFile:
      ::archive_entry_set_filetype(e, AE_IFREG);
      ::archive_entry_set_size(e, static_cast<la_int64_t>(member.bytes));
      break;
    case fv::MemberType::kDirectory:
      ::archive_entry_set_filetype(e, AE_IFDIR);
      break;
    case fv::MemberType::kSymlink:
      ::archive_entry_set_filetype(e, AE_IFLNK);
      ::archive_entry_set_symlink(e, member.link.c_str());
      break;
    case fv::MemberType::kHardLink:
      ::archive_entry_set_filetype(e, AE_IFREG);
      ::archive_entry_set_size(e, 0);
      ::archive_entry_set_hardlink(e, member.link.c_str());
      break;
  }
  if (member.type == fv::MemberType::kHardLink) return entry;  // attributes stand with the file it names
  for (const auto& [name, value] : member.xattrs)
    ::archive_entry_xattr_add_entry(e, name.c_str(), value.data(), value.size());
  return entry;
}

/// One libarchive writer with our profile; the bytes go to `sink`. What the sink throws comes out of the call that
/// caused it.
class PaxArchive {
 public:
  explicit PaxArchive(TarWriter::Sink sink) : sink_(std::move(sink)), archive_(::archive_write_new()) {
    archive* a = archive_.get();
    must(::archive_write_set_format_pax(a));
    must(::archive_write_set_options(a, "xattrheader=SCHILY"));
    must(::archive_write_set_bytes_per_block(a, 0));
    must(::archive_write_set_bytes_in_last_block(a, 1));
    must(::archive_write_open(a, this, nullptr, &PaxArchive::take, nullptr));
  }
  /// Freeing an archive that was not closed writes what is missing; here nobody takes it. (archive_write_fail would
  /// stop that too, and leak.)
  ~PaxArchive() { refuses_ = true; }

  /// ARCHIVE_WARN tells that a name is not UTF-8 and is kept as bytes (hdrcharset=BINARY).
  void header(const fv::Member& member) {
    if (::archive_write_header(archive_.get(), entry_for(member).get()) < ARCHIVE_WARN) fail();
    rethrow();
  }
  void data(core::ByteSpan bytes) {
    while (!bytes.empty()) {
      const la_ssize_t done = ::archive_write_data(archive_.get(), bytes.data(), bytes.size());
      if (done <= 0) fail();
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
  }
  void end_member() { must(::archive_write_finish_entry(archive_.get())); }
  void close() { must(::archive_write_close(archive_.get())); }
  std::uint64_t written() const { return written_; }

 private:
  static la_ssize_t take(archive* a, void* self, const void* bytes, std::size_t count) {
    auto& me = *static_cast<PaxArchive*>(self);
    if (me.refuses_) return -1;
    try {
      me.sink_({static_cast<const std::byte*>(bytes), count});
      me.written_ += count;
      return static_cast<la_ssize_t>(count);
    } catch (...) {  // no exception may cross the C library
      me.thrown_ = std::current_exception();
      ::archive_set_error(a, EIO, "the bytes were not taken");
      return -1;
    }
  }
  void rethrow() {
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }
  [[noreturn]] void fail() {
    rethrow();
    const char* why = ::archive_error_string(archive_.get());
    throw Error(Code::kFailed,
                fmt::format("the tar file cannot be written: {}", why == nullptr ? "libarchive gave up" : why));
  }
  void must(int result) {
    if (result < ARCHIVE_WARN) fail();
    rethrow();
  }

  TarWriter::Sink sink_;
  bool refuses_ = false;
  std::uint64_t written_ = 0;
  std::exception_ptr thrown_;
  std::unique_ptr<archive, FreeArchive> archive_;  // last: it goes first, and freeing it still calls take
};

}  // namespace

struct TarWriter::State {
  explicit State(Sink sink) : tar(std::move(sink)) {}

  void end_member() {
    if (!open) return;
    open = false;
    if (missing != 0)
      throw Error(Code::kFailed, fmt::format("{} bytes of {} were never given", missing, core::printable(path)));
    tar.end_member();
  }

  PaxArchive tar;
  std::string path;
  std::uint64_t missing = 0;
  bool open = false;
};

TarWriter::TarWriter(Sink sink) {
  const Utf8Locale locale;
  state_ = std::make_unique<State>(std::move(sink));
}
TarWriter::~TarWriter() = default;

void TarWriter::begin(fv::Member& member) {
  const Utf8Locale locale;
  state_->end_member();
  member.header_offset = state_->tar.written();
  state_->tar.header(member);
  member.offset = state_->tar.written();
  state_->path = member.path;
  state_->missing = member.type == fv::MemberType::kFile ? member.bytes : 0;
  state_->open = true;
}

void TarWriter::data(core::ByteSpan bytes) {
  if (bytes.size() > state_->missing) {
    throw Error(Code::kFailed, fmt::format("more bytes came for {} than it has", core::printable(state_->path)));
  }
  state_->tar.data(bytes);
  state_->missing -= bytes.size();
}

std::uint64_t TarWriter::finish() {
  const Utf8Locale locale;
  state_->end_member();
  state_->tar.close();
  return state_->tar.written();
}

std::uint64_t tar_bytes(const std::vector<fv::Member>& members) {
  std::uint64_t total = kEndBlocks;
  for (const fv::Member& member : members) {
    // The header as libarchive writes it, given to nobody; the data behind it needs no writing to be counted.
    const Utf8Locale locale;
    PaxArchive one([](core::ByteSpan) {});
    one.header(member);
    total += one.written() + (member.type == fv::MemberType::kFile ? core::round_up(member.bytes, kBlock) : 0);
  }
  return total;
}

}  // namespace darkshelf::volume
