// The schema and its migrations; formats/catalog/SPEC.md explains every table and kind of fact.

#include "catalog/words.hpp"

namespace darkshelf::catalog {

namespace {

constexpr const char* kFacts = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE facts (
  id TEXT PRIMARY KEY,
  writer TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  time INTEGER NOT NULL,
  sort TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  object TEXT NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body))
);
CREATE INDEX facts_in_order ON facts (writer, sequence);
CREATE INDEX facts_about ON facts (kind, subject, object, sort);
CREATE TRIGGER facts_stay BEFORE UPDATE ON facts BEGIN SELECT RAISE(ABORT, 'facts are immutable'); END;

CREATE TABLE volumes (
  id INTEGER PRIMARY KEY,
  uuid TEXT NOT NULL UNIQUE,
  seal TEXT NOT NULL,
  shoot TEXT NOT NULL,
  grp TEXT NOT NULL,
  folder TEXT NOT NULL,
  bytes_on_drive INTEGER NOT NULL,
  bag_info TEXT NOT NULL,
  tagmanifest BLOB NOT NULL,
  title TEXT NOT NULL,
  shoot_name TEXT NOT NULL,
  shoot_date TEXT NOT NULL,
  part INTEGER NOT NULL,
  sealed INTEGER NOT NULL,
  photos INTEGER NOT NULL,
  content_files INTEGER NOT NULL,
  content_bytes INTEGER NOT NULL,
  slices INTEGER NOT NULL
);
CREATE INDEX volumes_of_shoot ON volumes (shoot);
CREATE TRIGGER volumes_stay BEFORE UPDATE ON volumes BEGIN SELECT RAISE(ABORT, 'volumes are immutable'); END;

CREATE TABLE members (
  id INTEGER PRIMARY KEY,
  volume INTEGER NOT NULL REFERENCES volumes (id),
  number INTEGER NOT NULL,
  type INTEGER NOT NULL,
  path BLOB NOT NULL,
  bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  link BLOB NOT NULL,
  xattrs TEXT NOT NULL,
  header_offset INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  first_slice INTEGER NOT NULL,
  UNIQUE (volume, number)
);
CREATE INDEX members_by_hash ON members (sha256) WHERE type = 0;
)sql";

// Words of paths; tables for search follow from others, and are made anew by every migration.
constexpr const char* kSearch = "";

// Views were changed.
constexpr const char* kOrder = "";

// What photos say of themselves, and folders that were taken in from drives without being sealed. Those belong to no
// row of running numbers: each stands for itself in the order.
constexpr const char* kPhotos = R"sql(
ALTER TABLE members ADD COLUMN photo TEXT NOT NULL DEFAULT '';
ALTER TABLE volumes ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;
-- What a search needs of every volume, without the long texts between.
CREATE INDEX volumes_at_a_glance ON volumes (shoot, id, shoot_date, title, grp, uuid);
CREATE INDEX volumes_by_weight ON volumes (uuid, bytes_on_drive);
)sql";

// The present, made anew by every migration. "Latest" is by the column sort: time, then writer, then the writer's
// running number. Where a row needs the latest fact about itself it asks the index facts_about for it: through the view
// `latest` SQLite would go through all facts of that kind, for each row.
constexpr const char* kViews = R"sql(
DROP VIEW IF EXISTS latest;
DROP VIEW IF EXISTS places_now;
DROP VIEW IF EXISTS copies_now;
DROP VIEW IF EXISTS drives_now;
DROP VIEW IF EXISTS volumes_in_order;
DROP VIEW IF EXISTS shoots_now;

CREATE VIEW latest AS
  SELECT kind, subject, object, body, time, writer, max(sort) AS sort FROM facts GROUP BY kind, subject, object;

CREATE VIEW places_now AS
  SELECT a.subject AS id, a.sort AS added,
         coalesce((SELECT json_extract(r.body, '$.name') FROM facts r WHERE r.kind = 'place-renamed' AND r.subject = a.subject
                   AND r.object = '' ORDER BY r.sort DESC LIMIT 1),
                  json_extract(a.body, '$.name')) AS name,
         json_extract(a.body, '$.note') AS note, json_extract(a.body, '$.offsite') AS offsite
  FROM facts a WHERE a.kind = 'place-added'
    AND a.sort = (SELECT min(f.sort) FROM facts f WHERE f.kind = 'place-added' AND f.subject = a.subject);

CREATE VIEW copies_now AS
  SELECT volume, drive, body, time, sort FROM
    (SELECT subject AS volume, object AS drive, kind, body, time, max(sort) AS sort
     FROM facts WHERE kind IN ('copy-made', 'copy-gone') GROUP BY subject, object)
  WHERE kind = 'copy-made';

CREATE VIEW drives_now AS
  SELECT a.subject AS id, a.time AS added, a.body AS body,
    coalesce((SELECT json_extract(f.body, '$.label') FROM facts f WHERE f.kind = 'drive-renamed' AND f.subject = a.subject
              AND f.object = '' ORDER BY f.sort DESC LIMIT 1), json_extract(a.body, '$.label')) AS label,
    coalesce((SELECT json_extract(f.body, '$.place') FROM facts f WHERE f.kind = 'drive-moved' AND f.subject = a.subject
              AND f.object = '' ORDER BY f.sort DESC LIMIT 1), json_extract(a.body, '$.place')) AS place,
    (SELECT json_extract(f.body, '$.state') FROM facts f WHERE f.kind = 'drive-marked' AND f.subject = a.subject
     AND f.object = '' ORDER BY f.sort DESC LIMIT 1) AS marked,
    (SELECT CASE WHEN kind = 'drive-lent' THEN json_extract(body, '$.to') END FROM
       (SELECT kind, body, max(sort) FROM facts WHERE kind IN ('drive-lent', 'drive-returned') AND subject = a.subject)) AS lent_to,
    (SELECT evidence FROM (SELECT json_extract(body, '$.evidence') AS evidence, max(sort) FROM facts
       WHERE kind IN ('drive-added', 'drive-accepted', 'drive-seen') AND subject = a.subject)) AS evidence,
    (SELECT max(time) FROM facts WHERE kind IN ('drive-added', 'drive-seen') AND subject = a.subject) AS last_seen,
    (SELECT kind = 'drive-seen' FROM (SELECT kind, max(sort) FROM facts WHERE subject = a.subject AND (kind = 'drive-returned' OR
       (kind = 'drive-seen' AND writer = (SELECT value FROM meta WHERE key = 'writer'))))) AS here
  FROM facts a WHERE a.kind = 'drive-added'
    AND a.sort = (SELECT min(f.sort) FROM facts f WHERE f.kind = 'drive-added' AND f.subject = a.subject);

-- Which sealing came after which. One writer's clock may be set back, its running number never is: no volume is placed
-- before an earlier one of its writer. Writers among each other go by time. Adopted volumes have no number: each stands
-- for itself.
CREATE VIEW volumes_in_order AS
  SELECT id, place, min(place) OVER (PARTITION BY grp) AS sealing FROM
    (SELECT id, grp, row_number() OVER (ORDER BY since, writer, sequence, uuid) AS place FROM
      (SELECT *, max(sealed) OVER (PARTITION BY writer ORDER BY sequence, uuid) AS since FROM
        (SELECT id, uuid, grp, sealed,
           CASE adopted WHEN 0 THEN substr(bag_info, instr(bag_info, char(10) || 'Darkshelf-Writer: ') + 19, 36) ELSE uuid END AS writer,
           CAST(substr(bag_info, instr(bag_info, char(10) || 'Darkshelf-Sequence: ') + 21, 20) AS INTEGER) AS sequence
         FROM volumes)));

-- total() where sum() would do: sum() fails on numbers that are too large, and then no shoot could be asked for.
CREATE VIEW shoots_now AS
  SELECT s.*,
    (SELECT json_extract(f.body, '$.name') FROM facts f WHERE f.kind = 'shoot-renamed' AND f.subject = s.id AND f.object = ''
     ORDER BY f.sort DESC LIMIT 1) AS renamed,
    (SELECT json_extract(f.body, '$.text') FROM facts f WHERE f.kind = 'shoot-note' AND f.subject = s.id AND f.object = ''
     ORDER BY f.sort DESC LIMIT 1) AS note,
    (SELECT json_extract(f.body, '$.copies') FROM facts f WHERE f.kind = 'shoot-keep' AND f.subject = s.id AND f.object = ''
     ORDER BY f.sort DESC LIMIT 1) AS keep,
    EXISTS (SELECT 1 FROM facts f WHERE f.kind = 'shoot-discarded' AND f.subject = s.id AND f.time >= s.sealed
      AND NOT EXISTS (SELECT 1 FROM volumes v JOIN facts g ON g.kind = 'seal-planned' AND g.subject = v.grp
        WHERE v.shoot = s.id AND g.writer = f.writer AND g.sequence > f.sequence)) AS discarded
  FROM (SELECT shoot AS id, title, shoot_name AS folder, shoot_date AS date, max(sealed) AS sealed,
          CAST(total(photos) AS INTEGER) AS photos, CAST(total(content_files) AS INTEGER) AS files,
          CAST(total(content_bytes) AS INTEGER) AS bytes, count(DISTINCT grp) AS sealings
        FROM volumes GROUP BY shoot) s;
)sql";

constexpr const char* kMigrations[] = {kFacts, kSearch, kOrder, kPhotos};

}  // namespace

int schema_version() { return static_cast<int>(std::size(kMigrations)); }

void migrate(SQLite::Database& db, int from) {
  SQLite::Transaction transaction(db);
  for (int version = from; version < schema_version(); ++version) db.exec(kMigrations[version]);
  db.exec(kViews);
  rebuild_words(db);
  db.exec("PRAGMA user_version = " + std::to_string(schema_version()));
  db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  transaction.commit();
}

}  // namespace darkshelf::catalog
