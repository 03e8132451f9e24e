#include "rituals/adopt_read.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "digest/sha1.hpp"
#include "photo/record.hpp"

namespace darkshelf::rituals {

using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kMostSidecar = std::uint64_t{16} << 20;
constexpr std::size_t kPiece = 4 << 20;

bool is_same(const io::Stat& a, const io::Stat& b) {
  return a.bytes == b.bytes && a.mtime_ns == b.mtime_ns && a.ctime_ns == b.ctime_ns;
}

}  // namespace

/// What was read and waits for its digest.
struct FileReader::Job {
  const FileToRead* file = nullptr;
  FileRead* out = nullptr;
  core::Bytes bytes;
  std::vector<core::Bytes> sidecars;
};

void FileReader::digest_of(const Job& job) const {
  job.out->sha256 = digest::sha256(job.bytes);
  if (job.file->md5) job.out->md5 = core::to_hex(digest::md5(job.bytes));
  if (job.file->sha1) {
    digest::Sha1Stream sha1;
    sha1.update(job.bytes);
    job.out->sha1 = core::to_hex(sha1.finish());
  }
  if (pool_ == nullptr || !job.file->picture) return;
  photo::Request request;
  request.name = job.file->name;
  request.picture = job.bytes;
  for (const core::Bytes& sidecar : job.sidecars) request.sidecars.emplace_back(sidecar);
  request.wanted = {job.file->lead, job.file->lead, true, true};
  job.out->extract = pool_->extract(request);
  job.out->photo = photo::to_json({job.out->extract.metadata, job.out->extract.digest});
}

FileReader::FileReader(Context& context, photo::Pool* pool)
    : context_(context), pool_(pool), most_whole_(std::max<std::uint64_t>(context.work.memory / 8, 8 << 20)) {}

std::vector<FileRead> FileReader::read(const std::vector<FileToRead>& files) {
  std::vector<FileRead> out(files.size());
  core::Line<Job> line(std::max(2U, context_.work.thread_count()), context_.work.memory / 2,
                       [this](Job& job) { digest_of(job); });
  for (std::size_t i = 0; i < files.size(); ++i) {
    context_.work.check();
    try {
      read_one(files[i], out[i], line);
    } catch (const Error& error) {
      if (core::ends_all(error) || error.code() == Code::kInUse) throw;
      out[i].problem = fmt::format("cannot be read: {}", error.what());
    }
  }
  line.finish();
  sidecars_.clear();
  return out;
}

void FileReader::read_one(const FileToRead& what, FileRead& out, core::Line<Job>& line) {
  const auto file = context_.fs.open_read(what.path, io::ReadMode::kDirect);
  out.stat = file->stat();
  if (out.stat.type != io::FileType::kRegular) {
    out.problem = "is no file any more";
    return;
  }
  Job job;
  const bool streamed = out.stat.bytes > most_whole_;
  if (streamed) {
    stream(*file, what, out);
  } else if (const auto early = sidecars_.find(what.path); early != sidecars_.end()) {
    job.bytes = std::move(early->second);
    sidecars_.erase(early);
    context_.work.told().advance(job.bytes.size());
  } else {
    job.bytes = whole(*file, out.stat.bytes);
  }
  if (!is_same(out.stat, file->stat()) || (!streamed && job.bytes.size() != out.stat.bytes)) {
    out.problem = "changed while it was read";
    return;
  }
  if (streamed) return;
  if (what.lead && pool_ != nullptr) {
    for (const io::Path& path : what.sidecars) {
      if (const core::Bytes* bytes = sidecar(path)) job.sidecars.push_back(*bytes);
    }
  }
  job.file = &what;
  job.out = &out;
  constexpr std::uint64_t kBesides = 64 << 10;  // what a small file costs, too
  const std::uint64_t weight = job.bytes.size() + kBesides;
  line.put(std::move(job), weight);
}

core::Bytes FileReader::whole(io::File& file, std::uint64_t bytes) {
  core::Bytes content(bytes);
  std::size_t filled = 0;
  while (filled < content.size()) {
    context_.work.check();
    const std::size_t piece = std::min(kPiece, content.size() - filled);
    const std::size_t got = file.read_at(filled, std::span(content).subspan(filled, piece));
    if (got == 0) break;
    filled += got;
    bytes_read_ += got;
    context_.work.told().advance(got);
  }
  content.resize(filled);
  return content;
}

void FileReader::stream(io::File& file, const FileToRead& what, FileRead& out) {
  core::AlignedBuffer buffer(kPiece);
  digest::Sha256Stream sha256;
  digest::Md5Stream md5;
  digest::Sha1Stream sha1;
  std::uint64_t offset = 0;
  for (std::size_t got = 0; (got = file.read_at(offset, buffer.span())) != 0; offset += got) {
    context_.work.check();
    const core::ByteSpan piece = buffer.span().first(got);
    sha256.update(piece);
    if (what.md5) md5.update(piece);
    if (what.sha1) sha1.update(piece);
    bytes_read_ += got;
    context_.work.told().advance(got);
  }
  out.sha256 = sha256.finish();
  if (what.md5) out.md5 = core::to_hex(md5.finish());
  if (what.sha1) out.sha1 = core::to_hex(sha1.finish());
  if (offset != out.stat.bytes) out.problem = "changed while it was read";
}

/// A sidecar is read with its photo, and needs no second reading when its own turn comes. One that cannot be read is
/// told then.
const core::Bytes* FileReader::sidecar(const io::Path& path) {
  const auto known = sidecars_.find(path);
  if (known != sidecars_.end()) return &known->second;
  try {
    core::Bytes bytes = io::read_file(context_.fs, path, kMostSidecar, io::ReadMode::kDirect);
    bytes_read_ += bytes.size();
    return &sidecars_.emplace(path, std::move(bytes)).first->second;
  } catch (const Error& error) {
    if (core::ends_all(error)) throw;
    return nullptr;
  }
}

}  // namespace darkshelf::rituals
