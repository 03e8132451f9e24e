#include "support/faults.hpp"

#include <cerrno>

#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::testing {

namespace {

bool has(const io::Path& path, const std::string& part) { return core::glob_match("*" + part + "*", path.string()); }

const std::set<std::string>& changing() {
  static const std::set<std::string> calls = {"create",       "write_at",       "truncate",  "sync",     "make_dir",
                                              "make_dirs",    "rename",         "set_mtime", "set_mode", "remove_file",
                                              "make_symlink", "make_hard_link", "set_xattr", "sync_dir", "remove_dir"};
  return calls;
}

}  // namespace

void Faults::fail(const std::string& call, const std::string& path_part, unsigned nth, int error, bool lasting) {
  const std::lock_guard guard(mutex_);
  failing_.push_back({call, path_part, nth, error, lasting, 0});
}
void Faults::unreadable(const std::string& path_part, std::uint64_t offset, std::uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  holes_.push_back({path_part, offset, bytes});
}
void Faults::flip(const std::string& path_part, std::uint64_t offset, std::uint8_t mask, unsigned times) {
  const std::lock_guard guard(mutex_);
  flips_.push_back({path_part, offset, mask, times, 0});
}
void Faults::full_after(std::uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  room_ = bytes;
}
void Faults::nothing() {
  const std::lock_guard guard(mutex_);
  failing_.clear();
  holes_.clear();
  flips_.clear();
  room_.reset();
}

void Faults::before(const Call& call) {
  const std::lock_guard guard(mutex_);
  for (Failing& one : failing_) {
    if (one.call != call.call || !has(call.path, one.path_part)) continue;
    ++one.seen;
    if (one.seen == one.nth || (one.lasting && one.seen > one.nth))
      throw core::Error::from_os(one.error, call.call, call.path);
  }
  if (call.call == "read_at") {
    for (const Hole& hole : holes_) {
      if (!has(call.path, hole.path_part)) continue;
      if (call.offset < hole.offset + hole.bytes && hole.offset < call.offset + call.bytes)
        throw core::Error::from_os(EIO, "read", call.path, call.offset);
    }
  }
  if (call.call == "write_at" && room_) {
    if (*room_ < call.bytes) throw core::Error::from_os(ENOSPC, "write", call.path);
    *room_ -= call.bytes;
  }
}

void Faults::read(const Call& call, core::MutableByteSpan got) {
  const std::lock_guard guard(mutex_);
  for (Flip& flip : flips_) {
    if (!has(call.path, flip.path_part) || (flip.times != 0 && flip.done >= flip.times)) continue;
    if (flip.offset < call.offset || flip.offset >= call.offset + got.size()) continue;
    got[flip.offset - call.offset] ^= std::byte{flip.mask};
    ++flip.done;
  }
}

PowerCut::PowerCut(const io::Path& root) : root_(io::posix().canonical(root)) { top_ = load(root_); }

PowerCut::NodePtr PowerCut::load(const io::Path& path) {
  io::FileSystem& fs = io::posix();
  const io::Stat stat = *fs.stat(path);
  auto node = std::make_shared<Node>();
  node->type = stat.type;
  node->mode = stat.mode;
  node->mtime_ns = stat.mtime_ns;
  if (stat.type == io::FileType::kRegular) node->content = io::read_file(fs, path, std::uint64_t{1} << 30);
  if (stat.type == io::FileType::kSymlink) node->link = fs.read_link(path);
  if (stat.type == io::FileType::kDirectory) {
    for (const io::Entry& entry : fs.list(path)) node->live[entry.name] = load(path / entry.name);
    node->synced = node->live;
  }
  return node;
}

bool PowerCut::inside(const io::Path& path) const {
  const std::string text = path.string(), root = root_.string();
  return text == root || text.starts_with(root + "/");
}

PowerCut::NodePtr PowerCut::find(const io::Path& path) const {
  NodePtr at = top_;
  for (const io::Path& part : path.lexically_relative(root_)) {
    if (part == ".") continue;
    const auto found = at->live.find(part.string());
    if (found == at->live.end()) return nullptr;
    at = found->second;
  }
  return at;
}
PowerCut::NodePtr PowerCut::parent_of(const io::Path& path) const { return find(path.parent_path()); }

void PowerCut::before(const Call& call) {
  const std::lock_guard guard(mutex_);
  if (happened_) throw Happened{};
  if (!changing().contains(call.call) || !inside(call.path)) return;
  ++changes_;
  if (left_ != ~std::uint64_t{0} && --left_ == 0) {
    happened_ = true;
    throw Happened{};
  }
}

/// make_dirs: what is new is a folder whose name its parent has synced.
void PowerCut::add_missing_folders(const io::Path& path) {
  if (path == root_ || find(path)) return;
  add_missing_folders(path.parent_path());
  auto node = std::make_shared<Node>();
  node->type = io::FileType::kDirectory;
  node->mode = 0755;
  const NodePtr parent = parent_of(path);
  parent->live[path.filename().string()] = parent->synced[path.filename().string()] = node;
}

void PowerCut::after(const Call& call) {
  const std::lock_guard guard(mutex_);
  if (!changing().contains(call.call) || !inside(call.path)) return;
  const std::string name = call.path.filename().string();
  if (call.call == "create" || call.call == "make_symlink" || call.call == "make_dir") {
    parent_of(call.path)->live[name] = load(call.path);
    return;
  }
  if (call.call == "make_dirs") return add_missing_folders(call.path);
  if (call.call == "rename") {
    const NodePtr from = parent_of(call.path);
    // What SQLite made does not come through here; it syncs its files itself.
    const auto known = from->live.find(name);
    parent_of(call.to)->live[call.to.filename().string()] = known == from->live.end() ? load(call.to) : known->second;
    from->live.erase(name);
  } else if (call.call == "make_hard_link") {
    parent_of(call.to)->live[call.to.filename().string()] = find(call.path);
  } else if (call.call == "remove_file" || call.call == "remove_dir") {
    parent_of(call.path)->live.erase(name);
  } else if (call.call == "sync_dir") {
    const NodePtr folder = find(call.path);
    folder->synced = folder->live;
  } else if (call.call == "sync" && find(call.path) != nullptr) {
    const NodePtr fresh = load(call.path);
    const NodePtr node = find(call.path);
    node->content = fresh->content;
    node->mode = fresh->mode;
    node->mtime_ns = fresh->mtime_ns;
  }
}

void PowerCut::write(const NodePtr& node, const io::Path& path) const {
  io::FileSystem& fs = io::posix();
  if (node->type == io::FileType::kSymlink) return fs.make_symlink(node->link, path);
  if (node->type == io::FileType::kDirectory) {
    if (path != root_) fs.make_dir(path);
    for (const auto& [name, child] : node->synced) write(child, path / name);
    return;
  }
  fs.create(path)->write_at(0, node->content);
  fs.set_mode(path, node->mode);
  fs.set_mtime(path, node->mtime_ns);
}

void PowerCut::cut() {
  io::FileSystem& fs = io::posix();
  for (const io::Entry& entry : fs.list(root_)) {
    if (entry.type == io::FileType::kDirectory) {
      io::remove_tree(fs, root_ / entry.name);
    } else {
      fs.remove_file(root_ / entry.name);
    }
  }
  write(top_, root_);
  top_ = load(root_);
  happened_ = false;
  left_ = ~std::uint64_t{0};
}

}  // namespace darkshelf::testing
