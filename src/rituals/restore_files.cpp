#include "rituals/restore_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kChunk = 4 << 20;
constexpr std::string_view kTemporary = ".darkshelf-part-";

/// The target's file system has no such name: too long, or made of bytes it does not take.
bool is_about_name(const Error& error, const io::Path& target) {
  return io::lies_in(error.path(), target) && error.code() == Code::kIo &&
         (error.os_error() == EINVAL || error.os_error() == ENAMETOOLONG || error.os_error() == EILSEQ);
}

}  // namespace

void refuse_archive(io::FileSystem& fs, const io::Path& folder) {
  const io::Path archive = volume::archive_around(fs, folder);
  if (archive.empty()) return;
  throw Error(Code::kUsage,
              fmt::format("{} is the archive of a drive: nothing but its volumes is put there",
                          core::printable(archive.string())),
              "give a folder outside of it");
}

void refuse_archive_around(io::FileSystem& fs, const io::Path& folder) {
  const io::Path to = (folder.is_absolute() ? folder : fs.canonical(".") / folder).lexically_normal();
  io::Path there = to;
  while (!fs.stat_following(there) && there.has_parent_path()) there = there.parent_path();
  for (const io::Path& start : {to, fs.canonical(there)}) refuse_archive(fs, start);
}

RestoredFiles::RestoredFiles(Context& context, const Target& target, const MemberSource& source, RestoreReport& report,
                             std::vector<std::string>& photo_paths)
    : context_(context),
      target_(target),
      source_(source),
      report_(report),
      photo_paths_(photo_paths),
      buffer_(kChunk) {}

void RestoredFiles::restore(const std::vector<fv::Member>& members, std::set<std::string>& wanted) {
  std::vector<const fv::Member*> folders;
  for (const fv::Member& member : members) {
    if (!wanted.contains(member.path)) continue;
    context_.work.check();
    try {
      restore_member(member, folders);
      wanted.erase(member.path);
    } catch (const Error& error) {
      // This one is lost; the others are not.
      const bool about_source = !io::lies_in(error.path(), target_.root);
      if (error.code() == Code::kUnrepairable || (io::is_read_error(error) && about_source)) continue;
      if (!is_about_name(error, target_.root)) throw;
      report_.unnameable.push_back(member.path);
      wanted.erase(member.path);
    }
  }
  // Times of folders last, the deepest first: everything written into them has changed them.
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
    const io::Path place = target_.root / (*folder)->path;
    const auto stat = context_.fs.stat(place);
    if (!stat || stat->type != io::FileType::kDirectory) continue;
    give_attributes(**folder, place);
    context_.fs.sync_dir(place);
  }
}

void RestoredFiles::restore_member(const fv::Member& member, std::vector<const fv::Member*>& folders) {
  if (!make_folders(member.path)) return;
  const io::Path place = target_.root / member.path;
  switch (member.type) {
    case fv::MemberType::kDirectory:
      if (!context_.fs.stat(place)) context_.fs.make_dir(place);
      folders.push_back(&member);
      break;
    case fv::MemberType::kFile:
      restore_file(member, place);
      break;
    case fv::MemberType::kSymlink:
      restore_link(member, place);
      break;
    case fv::MemberType::kHardLink:
      restore_hard_link(member, place);
      break;
  }
}

bool RestoredFiles::make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const io::Path folder = target_.root / path.substr(0, slash);
    const auto stat = context_.fs.stat(folder);
    if (!stat) {
      context_.fs.make_dir(folder);
      context_.fs.sync_dir(folder.parent_path());
    } else if (stat->type != io::FileType::kDirectory) {
      report_.conflicts.push_back(folder.string());
      return false;
    }
    refuse_archive(context_.fs, folder);
  }
  const auto stat = context_.fs.stat(target_.root / path);
  const bool blocked = stat && stat->type == io::FileType::kOther;
  if (blocked) report_.conflicts.push_back((target_.root / path).string());
  return !blocked;
}

bool RestoredFiles::holds_same(const fv::Member& member, const io::Path& place) {
  const auto stat = context_.fs.stat(place);
  if (!stat || stat->type != io::FileType::kRegular || stat->bytes != member.bytes) return false;
  return sha256_of(context_, place) == member.sha256;
}

void RestoredFiles::restore_file(const fv::Member& member, const io::Path& place) {
  if (context_.fs.stat(place)) {
    if (holds_same(member, place)) {
      ++report_.already_there;
    } else {
      report_.conflicts.push_back(place.string());
    }
    return;
  }
  const io::Path temporary = temporary_for(member, place);
  if (context_.fs.stat(temporary)) context_.fs.remove_file(temporary);
  try {
    {
      const auto file = context_.fs.create(temporary);
      digest::Sha256Stream sha256;
      for (std::uint64_t offset = 0; offset < member.bytes;) {
        context_.work.check();
        const auto part = buffer_.span().first(std::min<std::uint64_t>(kChunk, member.bytes - offset));
        source_.read_member(member, offset, part);
        sha256.update(part);
        file->write_at(offset, part);
        offset += part.size();
      }
      if (sha256.finish() != member.sha256)
        throw Error(Code::kUnrepairable, fmt::format("{} is not what it was", core::printable(member.path)));
      file->sync();
      const io::Stat written = file->stat();
      const auto there = context_.fs.stat(temporary);
      if (!there || there->device != written.device || there->inode != written.inode) {
        throw Error(
            Code::kFailed,
            fmt::format("another program is restoring to {} too", core::printable(place.parent_path().string())),
            "wait for it, or restore to another folder");
      }
    }
    give_attributes(member, temporary);
    // A link fails where a name stands already; a rename would replace it.
    try {
      context_.fs.make_hard_link(temporary, place);
      context_.fs.remove_file(temporary);
    } catch (const Error& error) {
      if (error.os_error() == EEXIST) {
        context_.fs.remove_file(temporary);
        report_.conflicts.push_back(place.string());
        return;
      }
      if (context_.fs.stat(place)) throw;
      context_.fs.rename(temporary, place);  // a file system without links
    }
    context_.fs.sync_dir(place.parent_path());
  } catch (...) {
    try {
      if (context_.fs.stat(temporary)) context_.fs.remove_file(temporary);
    } catch (const Error&) {  // the first error tells more
    }
    throw;
  }
  ++report_.files;
  report_.bytes += member.bytes;
  photo_paths_.push_back(member.path);
}

/// The same for the same file, so that what a killed restore left is taken away by the next. Not the name itself with
/// an ending: that could be too long where the name itself just fits.
io::Path RestoredFiles::temporary_for(const fv::Member& member, const io::Path& place) const {
  digest::Sha256Stream sha256;
  sha256.update(member.sha256);
  sha256.update(core::as_bytes(member.path));
  return place.parent_path() / (std::string(kTemporary) + core::to_hex(sha256.finish()).substr(0, 32));
}

void RestoredFiles::restore_link(const fv::Member& member, const io::Path& place) {
  if (const auto stat = context_.fs.stat(place)) {
    const bool same = stat->type == io::FileType::kSymlink && context_.fs.read_link(place) == member.link;
    if (same) {
      ++report_.links;
    } else {
      report_.conflicts.push_back(place.string());
    }
    return;
  }
  try {
    context_.fs.make_symlink(member.link, place);
    context_.fs.set_mtime(place, member.mtime_ns);
    ++report_.links;
  } catch (const Error& error) {
    if (error.code() != Code::kIo || is_about_name(error, target_.root)) throw;
    note_once(fmt::format("{}: links cannot be made there", core::printable(member.path)));
  }
}

void RestoredFiles::restore_hard_link(const fv::Member& member, const io::Path& place) {
  const auto& members = source_.members();
  const auto original = std::find_if(members.begin(), members.end(), [&](const fv::Member& other) {
    return other.path == member.link && other.type == fv::MemberType::kFile;
  });
  if (original == members.end())
    throw Error(Code::kUnrepairable,
                fmt::format("{} names a file that is not in the volume", core::printable(member.path)));
  fv::Member copy = *original;
  copy.path = member.path;
  const io::Path first = target_.root / member.link;
  if (!context_.fs.stat(place) && make_folders(member.link) && holds_same(*original, first)) {
    try {
      context_.fs.make_hard_link(first, place);
      ++report_.files;
      photo_paths_.push_back(member.path);
      return;
    } catch (const Error& error) {
      if (error.code() != Code::kIo) throw;
      note_once("hard links cannot be made there: such files are restored as copies");
    }
  }
  restore_file(copy, place);
}

void RestoredFiles::give_attributes(const fv::Member& member, const io::Path& place) {
  for (const auto& [name, value] : member.xattrs) {
    try {
      context_.fs.set_xattr(place, name, value);
    } catch (const Error& error) {
      if (error.code() != Code::kIo) throw;
      note_once("extended attributes cannot be kept there");
    }
  }
  try {
    context_.fs.set_mode(place, member.mode & 0777);  // never set-user-id: the archive is data
  } catch (const Error& error) {
    if (error.code() != Code::kIo) throw;
    note_once("file modes cannot be kept there");
  }
  context_.fs.set_mtime(place, member.mtime_ns);
}

void RestoredFiles::note_once(const std::string& note) {
  if (std::find(report_.notes.begin(), report_.notes.end(), note) == report_.notes.end()) report_.notes.push_back(note);
}

}  // namespace darkshelf::rituals
