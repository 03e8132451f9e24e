// Which volume has to be copied to which drive: a search over the ways in which each volume can be given what it lacks.

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <tuple>

#include "shelf/fire_drill.hpp"
#include "shelf/identity.hpp"

namespace darkshelf::shelf {

namespace {

constexpr std::size_t kMostTargets = 16, kMostAlike = 3;  // drives that a search looks at; of one place and kind
constexpr std::size_t kMostWays = 64, kMostSteps = 200'000;
constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
constexpr std::array<const char*, 4> kKinds = {"hdd", "ssd", "flash", "nas"};

struct Target {
  const catalog::Drive* drive = nullptr;  // null: a new one
  std::string kind;
  core::Uuid place;  // of a new one: like no other
  bool offsite = false;
  std::uint64_t room = 0;
};

/// What a volume has after the loss.
struct Have {
  unsigned copies = 0, offsite = 0;
  std::set<core::Uuid> places;
  std::set<std::string> kinds;

  void add(const core::Uuid& place, bool is_offsite, const std::string& kind) {
    ++copies;
    offsite += is_offsite ? 1 : 0;
    places.insert(place);
    kinds.insert(kind);
  }
  bool meets(const Policy& wanted) const {
    const std::size_t some_place = std::max<std::size_t>(places.size(), std::min(copies, 1u));
    return copies >= wanted.copies && some_place >= wanted.places && offsite >= wanted.offsite &&
           kinds.size() >= wanted.kinds;
  }
};

using Way = std::vector<std::size_t>;  // targets that a volume is copied to

/// A volume, or several that lack the same: they can all go the same ways.
struct Item {
  std::vector<const catalog::Volume*> volumes;
  std::uint64_t bytes = 0, largest = 0;
  Have have;
  Policy wanted;
  std::vector<bool> allowed;  // by target
  std::vector<Way> ways;      // the shortest first; none is part of another
};

struct Answer {
  std::vector<std::size_t> way;  // by item
  std::uint64_t bytes = kUnlimited;
  std::size_t drives = 0;
  bool found() const { return bytes != kUnlimited; }
  bool operator<(const Answer& other) const { return std::tie(bytes, drives) < std::tie(other.bytes, other.drives); }
};

void find_ways(Item& item, const std::vector<Target>& targets) {
  item.ways.clear();
  const auto is_known = [&](const Way& way) {
    return std::any_of(item.ways.begin(), item.ways.end(), [&](const Way& shorter) {
      return std::includes(way.begin(), way.end(), shorter.begin(), shorter.end());
    });
  };
  std::vector<std::pair<Way, Have>> longer = {{{}, item.have}};
  while (!longer.empty() && item.ways.size() < kMostWays) {
    std::vector<std::pair<Way, Have>> next;
    for (const auto& [way, have] : longer) {
      for (std::size_t t = way.empty() ? 0 : way.back() + 1; t < targets.size(); ++t) {
        if (!item.allowed[t]) continue;
        Way more = way;
        more.push_back(t);
        if (is_known(more)) continue;
        Have then = have;
        then.add(targets[t].place, targets[t].offsite, targets[t].kind);
        if (then.meets(item.wanted)) {
          item.ways.push_back(std::move(more));
        } else if (next.size() < 20'000) {
          next.emplace_back(std::move(more), std::move(then));
        }
      }
    }
    longer = std::move(next);
  }
}

class Search {
 public:
  Search(std::vector<Item>& items, const std::vector<Target>& targets) : items_(items), targets_(targets) {
    std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) { return a.bytes > b.bytes; });
    for (Item& item : items_) find_ways(item, targets_);
    least_.assign(items_.size() + 1, 0);
    for (std::size_t i = items_.size(); i-- > 0;) {
      if (items_[i].ways.empty()) return;
      least_[i] = least_[i + 1] + items_[i].bytes * items_[i].ways.front().size();
    }
    possible_ = true;
  }

  /// `best`: what is known already.
  Answer run(const Answer& best) {
    best_ = best;
    if (!possible_) return best_;
    sum_.assign(targets_.size(), 0);
    largest_.assign(targets_.size(), 0);
    items_on_.assign(targets_.size(), 0);
    way_.clear();
    go(0, 0, 0);
    return best_;
  }

 private:
  bool fits(const Item& item, const Way& way) const {
    return std::all_of(way.begin(), way.end(), [&](std::size_t t) {
      const std::uint64_t room = targets_[t].room, more = sum_[t] + item.bytes;
      return room == kUnlimited || more + std::max(largest_[t], item.largest) <= room;
    });
  }
  std::size_t fresh(const Way& way) const {
    return static_cast<std::size_t>(
        std::count_if(way.begin(), way.end(), [&](std::size_t t) { return items_on_[t] == 0; }));
  }

  void go(std::size_t i, std::uint64_t bytes, std::size_t drives) {
    if (++steps_ > kMostSteps && best_.found()) return;
    if (steps_ > 5 * kMostSteps) return;
    if (i == items_.size()) {
      const Answer answer{way_, bytes, drives};
      if (answer < best_) best_ = answer;
      return;
    }
    const std::uint64_t least = bytes + least_[i];
    if (best_.found() && std::tie(least, drives) >= std::tie(best_.bytes, best_.drives)) return;
    const Item& item = items_[i];
    std::vector<std::size_t> order(item.ways.size());
    std::iota(order.begin(), order.end(), 0);
    const auto price = [&](std::size_t w) { return std::tuple(item.ways[w].size(), fresh(item.ways[w]), w); };
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return price(a) < price(b); });
    for (const std::size_t w : order) {
      const Way& way = item.ways[w];
      if (!fits(item, way)) continue;
      const std::size_t more = fresh(way);
      std::vector<std::uint64_t> largest;
      for (const std::size_t t : way) {
        sum_[t] += item.bytes;
        ++items_on_[t];
        largest.push_back(largest_[t]);
        largest_[t] = std::max(largest_[t], item.largest);
      }
      way_.push_back(w);
      go(i + 1, bytes + item.bytes * way.size(), drives + more);
      way_.pop_back();
      for (std::size_t k = 0; k < way.size(); ++k) {
        sum_[way[k]] -= item.bytes;
        --items_on_[way[k]];
        largest_[way[k]] = largest[k];
      }
    }
  }

  std::vector<Item>& items_;
  const std::vector<Target>& targets_;
  std::vector<std::uint64_t> least_, sum_, largest_;
  std::vector<std::size_t> way_, items_on_;
  Answer best_;
  std::size_t steps_ = 0;
  bool possible_ = false;
};

/// A new drive is kept where no other is, off-site: nothing else could do more.
Target new_target(const char* kind, std::size_t number) {
  Target target;
  target.kind = kind;
  target.offsite = true;
  target.room = kUnlimited;
  target.place.bytes.fill(std::byte{0xFF});
  target.place.bytes.back() = static_cast<std::byte>(number);
  return target;
}

class Fixing {
 public:
  Fixing(const Stock& stock, const std::set<core::Uuid>& gone, const Room& room) : gone_(gone) {
    find_targets(stock, room);
  }

  Fix run(const std::vector<Gap>& gaps) {
    unsigned most = 0, kinds = 0;
    for (const Gap& gap : gaps) {
      if (const auto item = item_for(gap)) {
        most = std::max(most, needed(*item));
        kinds = std::max(kinds, gap.wanted.kinds);
        items_.push_back(*item);
      } else {
        fix_.beyond.push_back(gap.volume->volume);
      }
    }
    if (items_.empty()) return std::move(fix_);
    for (unsigned fresh = 0; fresh <= most; ++fresh) {
      const auto [answer, targets, items] = best_with(fresh, kinds > 1);
      if (!answer.found()) continue;
      carry_out(answer, targets, items);
      return std::move(fix_);
    }
    for (const Item& item : items_) fix_.beyond.push_back(*item.volumes.front());
    return std::move(fix_);
  }

 private:
  struct Best {
    Answer answer;
    std::vector<Target> targets;
    std::vector<Item> items;
  };

  /// Drives on the shelf with room; of one disk the one with the most, of those alike a few.
  void find_targets(const Stock& stock, const Room& room) {
    std::vector<Target> all;
    for (const catalog::Drive& drive : stock.drives) {
      const auto free = room.find(drive.id);
      if (drive.state != catalog::DriveState::kOnShelf || gone_.contains(drive.id) || free == room.end() ||
          free->second == 0 || stock.failing.contains(drive.id))
        continue;
      all.push_back({&drive, drive.kind, drive.place.value_or(core::Uuid{}), drive.offsite, free->second});
    }
    std::stable_sort(all.begin(), all.end(), [](const Target& a, const Target& b) { return a.room > b.room; });
    const bool few = all.size() <= kMostTargets;
    std::map<std::pair<core::Uuid, std::string>, std::size_t> alike;
    for (const Target& target : all) {
      const bool same = std::any_of(existing_.begin(), existing_.end(), [&](const Target& one) {
        return same_disk(one.drive->evidence, target.drive->evidence);
      });
      if (same || existing_.size() == kMostTargets) continue;
      if (few || alike[{target.place, target.kind}]++ < kMostAlike) existing_.push_back(target);
    }
  }

  /// Nothing: there is nothing to copy from, or no drives there are would be enough.
  std::optional<Item> item_for(const Gap& gap) const {
    Item item;
    item.volumes = {&gap.volume->volume};
    item.bytes = item.largest = gap.volume->volume.bytes_on_drive;
    item.wanted = gap.wanted;
    bool source = false;
    for (const CopyView& view : gap.volume->copies) {
      const bool readable = view.copy.health == catalog::CopyHealth::kGood ||
                            view.copy.health == catalog::CopyHealth::kDamaged;  // mended on the way
      source |= readable && view.drive.state == catalog::DriveState::kOnShelf;
      if (view.vote != Vote::kCounts) continue;
      if (view.drive.away() || (view.here && view.drive.offsite)) {  // as count_copies() has it
        ++item.have.copies;
        item.have.kinds.insert(view.drive.kind);
      } else {
        item.have.add(view.drive.place.value_or(core::Uuid{}), view.drive.offsite, view.drive.kind);
      }
    }
    if (!source || gap.volume->volume.adopted) return {};
    for (const Target& target : existing_) {
      const bool taken = std::any_of(gap.volume->copies.begin(), gap.volume->copies.end(), [&](const CopyView& view) {
        return view.drive.id == target.drive->id ||
               (!view.gone && same_disk(view.drive.evidence, target.drive->evidence));
      });
      item.allowed.push_back(!taken);
    }
    std::set<std::string> kinds = item.have.kinds;
    kinds.insert(kKinds.begin(), kKinds.end());
    if (kinds.size() < item.wanted.kinds) return {};
    return item;
  }

  /// So many new drives are enough for it, whatever room others have.
  static unsigned needed(const Item& item) {
    const auto lack = [](std::size_t have, std::size_t want) {
      return want > have ? static_cast<unsigned>(want - have) : 0u;
    };
    return std::max({lack(item.have.copies, item.wanted.copies), lack(item.have.places.size(), item.wanted.places),
                     lack(item.have.offsite, item.wanted.offsite), lack(item.have.kinds.size(), item.wanted.kinds)});
  }

  Best best_with(unsigned fresh, bool kinds_matter) {
    Best best;
    std::vector<std::size_t> kinds(fresh, 0);
    while (true) {
      std::vector<Target> targets = existing_;
      for (unsigned i = 0; i < fresh; ++i) {
        targets.push_back(new_target(kinds_matter ? kKinds[(kinds[i] + (fresh > 3 ? i : 0)) % 4] : kKinds[0], i));
      }
      std::vector<Item> single = items_;
      for (Item& item : single) item.allowed.resize(targets.size(), true);
      std::vector<Item> joined = joined_items(single);
      const Answer together = Search(joined, targets).run({});
      keep_better(best, together, targets, joined);
      const Answer apart = Search(single, targets).run({{}, best.answer.bytes, best.answer.drives});
      if (!apart.way.empty()) keep_better(best, apart, targets, single);
      // The next row of kinds, each not before its neighbour; with many new drives one row has to do.
      if (!kinds_matter || fresh > 3) return best;
      std::size_t i = fresh;
      while (i > 0 && kinds[i - 1] + 1 == kKinds.size()) --i;
      if (i == 0) return best;
      const std::size_t next = kinds[i - 1] + 1;
      for (std::size_t k = i - 1; k < fresh; ++k) kinds[k] = next;
    }
  }

  static void keep_better(Best& best, const Answer& answer, const std::vector<Target>& targets,
                          const std::vector<Item>& items) {
    if (answer.found() && (answer < best.answer || !best.answer.found())) best = {answer, targets, items};
  }

  /// Volumes that lack the same as one: quickly searched, where there is room for all of them together.
  static std::vector<Item> joined_items(const std::vector<Item>& single) {
    using Key = std::tuple<unsigned, unsigned, std::set<core::Uuid>, std::set<std::string>, std::vector<bool>, unsigned,
                           unsigned, unsigned, unsigned>;
    std::map<Key, Item> joined;
    for (const Item& item : single) {
      const Key key{item.have.copies,   item.have.offsite,  item.have.places,    item.have.kinds,  item.allowed,
                    item.wanted.copies, item.wanted.places, item.wanted.offsite, item.wanted.kinds};
      const auto [at, fresh] = joined.emplace(key, item);
      if (fresh) continue;
      at->second.volumes.push_back(item.volumes.front());
      at->second.bytes += item.bytes;
      at->second.largest = std::max(at->second.largest, item.largest);
    }
    std::vector<Item> items;
    for (auto& [key, item] : joined) items.push_back(std::move(item));
    return items;
  }

  void carry_out(const Answer& answer, const std::vector<Target>& targets, const std::vector<Item>& items) {
    std::vector<FixTarget> out(targets.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      for (const std::size_t t : items[i].ways[answer.way[i]]) {
        for (const catalog::Volume* volume : items[i].volumes) out[t].volumes.push_back(*volume);
      }
    }
    for (std::size_t t = 0; t < targets.size(); ++t) {
      FixTarget& one = out[t];
      if (one.volumes.empty()) continue;
      std::sort(one.volumes.begin(), one.volumes.end(), [](const catalog::Volume& a, const catalog::Volume& b) {
        return std::tie(a.info.shoot_date, a.folder) < std::tie(b.info.shoot_date, b.folder);
      });
      std::uint64_t largest = 0;
      for (const catalog::Volume& volume : one.volumes) {
        one.bytes += volume.bytes_on_drive;
        largest = std::max(largest, volume.bytes_on_drive);
      }
      if (targets[t].drive != nullptr) one.drive = *targets[t].drive;
      one.kind = targets[t].kind;
      one.offsite = targets[t].offsite;
      one.needed = size_for(one.bytes + largest);
      fix_.bytes += one.bytes;
      fix_.targets.push_back(std::move(one));
    }
  }

  /// The smallest size of which room_in() leaves so much.
  static std::uint64_t size_for(std::uint64_t bytes) {
    std::uint64_t size = bytes;
    while (room_in(size, size) < bytes) size += std::max<std::uint64_t>(bytes - room_in(size, size), 1);
    return size;
  }

  const std::set<core::Uuid>& gone_;
  std::vector<Target> existing_;
  std::vector<Item> items_;
  Fix fix_;
};

}  // namespace

Fix cheapest_fix(const Stock& stock, const std::vector<Gap>& gaps, const std::set<core::Uuid>& gone, const Room& room) {
  return Fixing(stock, gone, room).run(gaps);
}

}  // namespace darkshelf::shelf
