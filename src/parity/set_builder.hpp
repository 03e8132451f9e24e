#pragma once
// Making a PAR2 set while the protected files stream past, each byte once.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/work.hpp"
#include "digest/digest.hpp"
#include "io/file_system.hpp"
#include "parity/recovery_plan.hpp"

namespace darkshelf::parity {

/// A file to protect. `bytes` may be an upper bound for the only file of a set (a tar whose length is not known yet);
/// with several files bytes and md5_16k must be exact, since PAR2 numbers slices by file ids made from them.
struct SetFile {
  std::string name;         // relative to the folder of the .par2 files, '/' between folders, not empty
  std::uint64_t bytes = 0;  // never 0: PAR2 programs choke on empty files
  std::optional<digest::Md5> md5_16k;
};

struct SetOptions {
  std::string base;  // "NAME": files NAME.par2 and NAME.vol….par2 are made
  std::uint64_t slice_bytes = 0;
  std::uint32_t first_exponent = 0;
  std::uint32_t recovery_slices = 0;
  std::string creator;  // text of the Creator packet
  digest::Hashes hashes = digest::Hashes::kPar2AndSha256;
};

struct FileDigests {
  std::uint64_t bytes = 0;
  digest::Md5 md5, md5_16k;
  digest::Sha256 sha256;
  std::uint32_t first_slice = 0;
  std::vector<digest::SliceDigests> slices;
  std::vector<digest::Sha256> parts;  // of SetBuilder::part
};

/// A .par2 file as it was written; sha256 only with Hashes::kPar2AndSha256.
struct WrittenSetFile {
  std::string name;
  std::uint64_t bytes = 0;
  digest::Sha256 sha256{};
};

/// Reads bytes of protected file `file` back from where they were written: for plans that need more than one pass.
using ReadBack = std::function<void(std::size_t file, std::uint64_t offset, core::MutableByteSpan into)>;
using CreateFile = std::function<std::unique_ptr<io::File>(const std::string& name)>;

/// Not thread-safe; uses work.threads inside and keeps within work.memory.
class SetBuilder {
 public:
  /// Throws core::Error(kUsage): no files, empty file, slice size, too many slices or exponents, memory too small.
  SetBuilder(std::vector<SetFile> files, SetOptions options, const core::Work& work);
  ~SetBuilder();

  /// Files may come in any order, each once; bytes of one file come in order. They are handed on to `sink` as well,
  /// some megabytes at a time, on another thread; append, taken and end_file throw what it threw. It must stay callable
  /// until end_file, or until this builder is gone.
  using Sink = std::function<void(std::uint64_t offset, core::ByteSpan bytes)>;
  void begin_file(std::size_t index, Sink sink = {});
  /// The next `bytes` bytes of the file have a SHA-256 of their own, too: a photo in a tar. Begins at a multiple of 64,
  /// behind the last part; only with Hashes::kPar2AndSha256.
  void part(std::uint64_t bytes);
  void append(core::ByteSpan bytes);
  /// The same without a copy: read the next bytes into the front of room(), then tell how many there are.
  core::MutableByteSpan room();
  void taken(std::size_t count);
  /// Returns when `sink` has had everything. Throws core::Error(kCorrupt) when the length (or head) is not what
  /// numbering was based on.
  void end_file();

  /// After the last file: runs further passes through `read_back` where memory asked for them, then writes the set
  /// through `create` (NAME.par2 first). Files are not synced. Byte-identical for identical input, options and any
  /// memory/threads. Returns what file_names() lists.
  std::vector<WrittenSetFile> write(const CreateFile& create, const ReadBack& read_back);

  const FileDigests& digests(std::size_t index) const;  // after end_file(index)
  /// Names write() makes, index first.
  std::vector<std::string> file_names() const;
  std::string plan_description() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// How a SetBuilder of these would compute: its method, its reads. Throws as its constructor does.
RecoveryPlan recovery_plan(const std::vector<SetFile>& files, const SetOptions& options, const core::Work& work);

/// Number of slices a set of these files has.
std::uint64_t slice_count(const std::vector<SetFile>& files, std::uint64_t slice_bytes);

}  // namespace darkshelf::parity
