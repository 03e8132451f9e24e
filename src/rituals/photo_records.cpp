#include "rituals/photo_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "core/line.hpp"
#include "core/pictures.hpp"
#include "core/text.hpp"
#include "photo/record.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kLongestReadAgain = std::uint64_t{512} << 20;
constexpr std::uint64_t kLongestSidecar = std::uint64_t{16} << 20;

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

struct ThumbnailSpool::State {
  explicit State(Context& context) : fs(context.fs), path(context.catalog.path()) { path += ".thumbnails-spool"; }
  io::FileSystem& fs;
  io::Path path;
  std::mutex mutex;
  std::unique_ptr<io::File> file;
  std::uint64_t end = 0;
};

ThumbnailSpool::ThumbnailSpool(Context& context) : state_(std::make_unique<State>(context)) {}

ThumbnailSpool::~ThumbnailSpool() {
  if (!state_->file) return;
  state_->file.reset();
  try {
    state_->fs.remove_file(state_->path);
  } catch (const Error&) {  // the next run replaces it
  }
}

ThumbnailSpool::At ThumbnailSpool::put(core::ByteSpan jpeg) {
  const std::lock_guard hold(state_->mutex);
  if (!state_->file) {
    if (state_->fs.stat(state_->path)) state_->fs.remove_file(state_->path);
    state_->file = state_->fs.create(state_->path);
  }
  state_->file->write_at(state_->end, jpeg);
  const At at{state_->end, static_cast<std::uint32_t>(jpeg.size())};
  state_->end += jpeg.size();
  return at;
}

core::Bytes ThumbnailSpool::get(At at) {
  const std::lock_guard hold(state_->mutex);
  core::Bytes jpeg(at.bytes);
  if (!state_->file || state_->file->read_at(at.offset, jpeg) != jpeg.size()) jpeg.clear();
  return jpeg;
}

struct PhotoRecords::State {
  /// Which photo a file belongs to.
  struct Place {
    std::size_t photo = 0, file = 0;
  };
  struct Job {
    std::string path;
    core::Bytes content;
    io::Path read_from;  // not empty: content is to be read there
  };
  struct Answer {
    photo::Record record;
    ThumbnailSpool::At thumbnail;
    std::vector<PictureFinding> findings;
  };

  State(Context& its_context, photo::Pool& its_pool, ThumbnailSpool& its_spool, std::uint64_t memory)
      : fs(its_context.fs),
        pool(its_pool),
        spool(its_spool),
        line(std::in_place, its_pool.size(), memory, [this](Job& job) { work(job); }) {}

  void work(Job& job) {
    Answer answer;
    try {
      answer = look_at(job);
    } catch (const std::exception& error) {  // no memory to share, a long file that is gone
      answer.findings.push_back({job.path, fmt::format("could not be looked into: {}", error.what()), false});
    }
    const std::lock_guard hold(mutex);
    if (job.read_from.empty()) spare = std::move(job.content);
    answers[job.path] = std::move(answer);
  }

  Answer look_at(Job& job) {
    const Place place = places.at(job.path);
    const photo::Photo& photo = grouping.photos[place.photo];
    photo::Request request;
    request.name = name_of(job.path);
    request.wanted.metadata = place.file == 0;
    request.wanted.thumbnail = place.file == 0 || may_lack_thumbnail(photo);
    if (!job.read_from.empty()) job.content = io::read_file(fs, job.read_from, kLongestReadAgain);
    request.picture = job.content;
    std::vector<core::Bytes> sidecars;
    if (request.wanted.metadata) sidecars = sidecars_of(photo, place.file);
    request.sidecars.assign(sidecars.begin(), sidecars.end());
    photo::Extract extract = pool.extract(request);
    Answer answer;
    if (place.file == 0) answer.record.metadata = std::move(extract.metadata);
    answer.record.image = extract.digest;
    if (extract.not_as_named)
      answer.findings.push_back(
          {job.path, extract.not_as_named->reason, extract.not_as_named->how != photo::Unlike::kOtherPicture});
    if (extract.failure == photo::Failure::kNoWorker) {
      const std::lock_guard hold(mutex);
      if (no_worker.empty()) no_worker = extract.problems.empty() ? "no worker" : extract.problems.front();
    } else if (extract.failure == photo::Failure::kCrashed || extract.failure == photo::Failure::kTooLong) {
      answer.findings.push_back({job.path, "could not be looked into: " + photo::failure_text(extract.failure), true});
    }
    if (!extract.thumbnail.empty()) answer.thumbnail = keep(extract.thumbnail);
    return answer;
  }

  /// No room for a thumbnail costs nothing else.
  ThumbnailSpool::At keep(const core::Bytes& thumbnail) {
    try {
      return spool.put(thumbnail);
    } catch (const Error& error) {
      const std::lock_guard hold(mutex);
      if (no_spool.empty()) no_spool = error.what();
      return {};
    }
  }

  /// The photo's first file gives none, or nobody knows yet: then another one may.
  bool may_lack_thumbnail(const photo::Photo& photo) {
    const std::lock_guard hold(mutex);
    const auto first = answers.find(photo.files.front());
    return first == answers.end() || first->second.thumbnail.bytes == 0;
  }

  std::vector<core::Bytes> sidecars_of(const photo::Photo& photo, std::size_t file) {
    std::vector<core::Bytes> sidecars;
    for (const std::size_t index : photo::sidecars_for(photo, file)) {
      try {
        sidecars.push_back(io::read_file(fs, sources.at(photo.sidecars[index].path), kLongestSidecar));
      } catch (const Error&) {  // of what cannot be read the sealing of that file itself tells
      }
    }
    return sidecars;
  }

  void add(Job job) {
    const std::uint64_t bytes = job.content.size();
    line->put(std::move(job), bytes);
  }

  io::FileSystem& fs;
  photo::Pool& pool;
  ThumbnailSpool& spool;
  photo::Grouping grouping;
  std::map<std::string, Place> places;      // of pictures, by path
  std::map<std::string, io::Path> sources;  // of sidecars
  std::mutex mutex;                         // of what follows
  core::Bytes spare;                        // of one that is done: fresh memory costs more than the copy into it
  std::map<std::string, Answer> answers;
  std::string no_worker, no_spool;
  std::optional<core::Line<Job>> line;  // the last member: its threads use all others
};

PhotoRecords::PhotoRecords(Context& context, photo::Pool& pool, ThumbnailSpool& spool,
                           const std::vector<volume::SourceEntry>& entries, std::uint64_t memory)
    : state_(std::make_unique<State>(context, pool, spool, memory)) {
  std::vector<std::string> paths;
  for (const volume::SourceEntry& entry : entries) {
    if (entry.member.type == fv::MemberType::kFile) paths.push_back(entry.member.path);
  }
  state_->grouping = photo::group_photos(paths);
  for (std::size_t p = 0; p < state_->grouping.photos.size(); ++p) {
    const photo::Photo& photo = state_->grouping.photos[p];
    for (std::size_t f = 0; f < photo.files.size(); ++f) state_->places[photo.files[f]] = {p, f};
    for (const photo::Sidecar& sidecar : photo.sidecars) state_->sources[sidecar.path];
  }
  for (const volume::SourceEntry& entry : entries) {
    const auto sidecar = state_->sources.find(entry.member.path);
    if (sidecar != state_->sources.end()) sidecar->second = entry.source;
  }
}

PhotoRecords::~PhotoRecords() = default;

bool PhotoRecords::wants(const std::string& path) const { return state_->places.contains(path); }

void PhotoRecords::give(const std::string& path, core::ByteSpan content) {
  if (!wants(path) || content.empty()) return;
  core::Bytes copy;
  {
    const std::lock_guard hold(state_->mutex);
    copy = std::move(state_->spare);
    state_->spare.clear();
  }
  copy.assign(content.begin(), content.end());
  state_->add({path, std::move(copy), {}});
}

void PhotoRecords::give_long(const volume::SourceEntry& entry) {
  const auto place = state_->places.find(entry.member.path);
  if (place == state_->places.end()) return;
  const photo::Photo& photo = state_->grouping.photos[place->second.photo];
  const bool film = core::picture_kind(name_of(entry.member.path)) == core::PictureKind::kFilm;
  if (film && (place->second.file != 0 || photo.sidecars.empty())) return;  // nothing is read from films themselves
  const bool too_long = film || entry.member.bytes > kLongestReadAgain;
  state_->add({entry.member.path, {}, too_long ? io::Path() : entry.source});
}

PhotoRecords::Gathered PhotoRecords::finish(std::vector<fv::Member>& members) {
  state_->line->finish();
  Gathered out;
  out.without_a_worker = state_->no_worker;
  out.without_thumbnails = state_->no_spool;
  for (fv::Member& member : members) {
    const auto found = state_->answers.find(member.path);
    if (found == state_->answers.end() || member.type != fv::MemberType::kFile) continue;
    State::Answer& answer = found->second;
    if (answer.record.metadata) ++out.photos;
    member.photo = photo::to_json(answer.record);
    out.findings.insert(out.findings.end(), answer.findings.begin(), answer.findings.end());
  }
  for (const photo::Photo& photo : state_->grouping.photos) {
    for (const std::string& file : photo.files) {
      const auto found = state_->answers.find(file);
      if (found == state_->answers.end() || found->second.thumbnail.bytes == 0) continue;
      out.thumbnails.push_back({photo.files.front(), found->second.thumbnail});
      break;
    }
  }
  return out;
}

}  // namespace darkshelf::rituals
