#include "rituals/catalog_copies.hpp"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "core/text.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kRemembered = 4;  // two are kept on a drive, and perhaps two of somebody else's

io::Path path_of(const AttachedDrive& drive, const std::string& name) {
  return drive.root / std::string(fd::kCatalogFolder) / name;
}

std::string key_of(const AttachedDrive& drive) { return "copies/" + drive.drive.id.text(); }

struct Remembered {
  std::string name, sha256;
  std::uint64_t bytes = 0;
};

/// "catalog-12.db 5feceb66… 241664" a line, the newest first.
std::vector<Remembered> remembered_copies(Context& context, const AttachedDrive& drive) {
  std::istringstream lines(context.catalog.remembered(key_of(drive)));
  std::vector<Remembered> copies;
  for (Remembered copy; lines >> copy.name >> copy.sha256 >> copy.bytes;) copies.push_back(copy);
  return copies;
}

std::optional<Remembered> remembered(Context& context, const AttachedDrive& drive, const std::string& name) {
  for (Remembered& copy : remembered_copies(context, drive)) {
    if (copy.name == name) return std::move(copy);
  }
  return {};
}

void note(Context& context, const AttachedDrive& drive, const std::string& name, const catalog::Catalog::Merged& news) {
  const std::string volumes = news.volumes == 0 ? "" : fmt::format(" and {}", core::count_of(news.volumes, "volume"));
  context.note(
      fmt::format("{} carries a catalog of another machine, or of another day, that knows {}{} yours does not.",
                  core::printable(drive.drive.label), core::count_of(news.facts, "fact"), volumes),
      fmt::format("darkshelf catalog merge {}", core::shell_quote(path_of(drive, name).string())));
}

std::optional<FindingKind> fault_of(Context& context, const AttachedDrive& drive, const std::string& name) {
  const io::Path path = path_of(drive, name);
  try {
    const auto known = remembered(context, drive, name);
    if (known && known->bytes == context.fs.stat(path)->bytes) {
      const auto fits = [&] { return core::to_hex(sha256_of(context, path, io::ReadMode::kDirect)) == known->sha256; };
      if (fits() || fits()) return {};
      return FindingKind::kDamaged;  // numbers are not given twice: it is this machine's, and its bytes have changed
    }
    BroughtCopy copy(context, path);
    const auto news = copy.unknown();
    if (news.facts > 0 || news.volumes > 0)
      note(context, drive, name, news);
    else
      remember_copy(context, drive, name, copy.sha256());
    return {};
  } catch (const Error& error) {
    if (ends_all(error)) throw;
    if (io::is_read_error(error)) return FindingKind::kUnreadable;
    if (error.code() == Code::kCorrupt || error.code() == Code::kFailed) return FindingKind::kDamaged;
    if (error.code() == Code::kNewerFormat) return {};  // a later darkshelf's
    throw;
  }
}

}  // namespace

BroughtCopy::BroughtCopy(Context& context, const io::Path& copy) : context_(context), copy_(copy) {
  local_ = context.catalog.path();
  local_ += ".import";
  remove();  // of a run that was killed
  try {
    const auto in = context.fs.open_read(copy), out = context.fs.create(local_);
    core::AlignedBuffer buffer(4 << 20);
    digest::Sha256Stream sha256;
    std::uint64_t offset = 0;
    for (std::size_t got = 0; (got = in->read_at(offset, buffer.span())) != 0; offset += got) {
      context.work.check();
      sha256.update(buffer.span().first(got));
      out->write_at(offset, buffer.span().first(got));
    }
    sha256_ = sha256.finish();
  } catch (...) {
    remove();
    throw;
  }
}

BroughtCopy::~BroughtCopy() {
  try {
    remove();
  } catch (const Error&) {  // the next one removes it
  }
}

void BroughtCopy::remove() {
  for (const char* ending : {"", "-journal", "-wal", "-shm"}) {
    const io::Path file = local_.string() + ending;
    if (context_.fs.stat(file)) context_.fs.remove_file(file);
  }
}

template <typename Work>
catalog::Catalog::Merged BroughtCopy::naming_it(Work work) {
  try {
    return work();
  } catch (const Error& error) {
    std::string sentence = error.what();
    const std::string local = core::printable(local_.string());
    if (const auto at = sentence.find(local); at != std::string::npos)
      sentence.replace(at, local.size(), core::printable(copy_.string()));
    throw Error(error.code(), sentence, error.hint());
  }
}

catalog::Catalog::Merged BroughtCopy::merge() {
  return naming_it([&] { return context_.catalog.merge(local_); });
}
catalog::Catalog::Merged BroughtCopy::unknown() {
  return naming_it([&] { return context_.catalog.unknown_in(local_); });
}

std::optional<std::uint64_t> copy_number(const std::string& name) {
  constexpr std::string_view kFront = "catalog-", kBack = ".db";
  if (name.size() <= kFront.size() + kBack.size() || !name.starts_with(kFront) || !name.ends_with(kBack)) return {};
  const char* first = name.data() + kFront.size();
  const char* last = name.data() + name.size() - kBack.size();
  std::uint64_t number = 0;
  const auto result = std::from_chars(first, last, number);
  if (result.ec != std::errc{} || result.ptr != last) return {};
  const bool ours = number >= 1 && number <= kLastCopy && *first != '0';
  return ours ? std::optional(number) : std::nullopt;
}

void remember_copy(Context& context, const AttachedDrive& drive, const std::string& name,
                   const digest::Sha256& sha256) {
  std::vector<Remembered> copies = {{name, core::to_hex(sha256), context.fs.stat(path_of(drive, name))->bytes}};
  for (Remembered& copy : remembered_copies(context, drive)) {
    if (copy.name != name && copies.size() < kRemembered) copies.push_back(std::move(copy));
  }
  std::string lines;
  for (const Remembered& copy : copies) lines += fmt::format("{} {} {}\n", copy.name, copy.sha256, copy.bytes);
  context.catalog.remember(key_of(drive), lines);
}

void note_unknown_facts(Context& context, const AttachedDrive& drive) {
  const io::Path file = drive.root / std::string(fd::kCurrent);
  try {
    const auto stat = context.fs.stat(file);
    if (!stat || stat->type != io::FileType::kRegular) return;
    const fd::CurrentCatalog current = fd::decode_current(io::read_text(context.fs, file, 4 << 10));
    const auto known = remembered(context, drive, current.name);
    if (known && known->sha256 == core::to_hex(current.sha256)) return;
    const auto there = context.fs.stat(path_of(drive, current.name));
    if (!there || there->type != io::FileType::kRegular || there->bytes != current.bytes) return;
    BroughtCopy copy(context, path_of(drive, current.name));
    if (copy.sha256() != current.sha256) return;
    const auto news = copy.unknown();
    if (news.facts == 0 && news.volumes == 0)
      remember_copy(context, drive, current.name, copy.sha256());
    else
      note(context, drive, current.name, news);
  } catch (const Error& error) {
    if (ends_all(error)) throw;  // of damage the check tells
  }
}

std::vector<FileFinding> examine_other_copies(Context& context, const AttachedDrive& drive,
                                              const std::string& current) {
  std::vector<FileFinding> findings;
  const io::Path folder = drive.root / std::string(fd::kCatalogFolder);
  if (!io::look_at(context.fs, folder).is(io::FileType::kDirectory)) return findings;
  const auto entries = io::list_if_readable(context.fs, folder);
  if (!entries) return {{FindingKind::kUnreadable, std::string(fd::kCatalogFolder), {}, 0}};
  for (const io::Entry& entry : *entries) {
    if (!copy_number(entry.name) || entry.name == current) continue;
    const auto fault = entry.type == io::FileType::kRegular ? fault_of(context, drive, entry.name)
                                                            : std::optional(FindingKind::kDamaged);
    if (fault) findings.push_back({*fault, std::string(fd::kCatalogFolder) + "/" + entry.name, {}, 0});
  }
  return findings;
}

bool is_dispensable(Context& context, const AttachedDrive& drive, const std::string& name) {
  const auto stat = context.fs.stat(path_of(drive, name));
  if (!stat || stat->type != io::FileType::kRegular) return true;
  const auto known = remembered(context, drive, name);
  if (known && known->bytes == stat->bytes) return true;
  try {
    BroughtCopy copy(context, path_of(drive, name));
    const auto news = copy.unknown();
    return news.facts == 0 && news.volumes == 0;
  } catch (const Error& error) {
    if (ends_all(error)) throw;
    return error.code() == Code::kCorrupt || error.code() == Code::kFailed || io::is_read_error(error);
  }
}

}  // namespace darkshelf::rituals
