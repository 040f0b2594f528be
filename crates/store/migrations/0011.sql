CREATE TABLE secret_tags (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    kind TEXT NOT NULL,
    creator TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    sought_description TEXT NOT NULL,
    PRIMARY KEY (account, tag_key, tag_value, name, kind, creator, instance_id)
) {clustered};

CREATE INDEX secret_tags_by_value ON secret_tags (account, tag_value, name, kind, creator, instance_id);

CREATE TABLE secret_ranges (
    account TEXT NOT NULL,
    first_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    creator TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (account, first_name, kind, creator, instance_id)
) {clustered};

CREATE TABLE secret_range_changes (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    creator TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (account, name, kind, creator, instance_id)
) {clustered};

-- sqlite
CREATE TRIGGER secrets_in_range AFTER INSERT ON secrets BEGIN
    INSERT INTO secret_range_changes (account, name, kind, creator, instance_id, n)
        VALUES (new.account, new.name, new.kind, new.creator, new.instance_id, 1)
        ON CONFLICT (account, name, kind, creator, instance_id) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER secrets_out_of_range AFTER DELETE ON secrets BEGIN
    INSERT INTO secret_range_changes (account, name, kind, creator, instance_id, n)
        VALUES (old.account, old.name, old.kind, old.creator, old.instance_id, -1)
        ON CONFLICT (account, name, kind, creator, instance_id) DO UPDATE SET n = n - 1;
END;

CREATE TRIGGER secrets_with_tags_redescribed AFTER UPDATE OF sought_description ON secrets
WHEN old.sought_description <> new.sought_description BEGIN
    UPDATE secret_tags SET sought_description = new.sought_description FROM tags AS t
        WHERE t.account = new.account AND t.resource_type = 'secret' AND t.resource = new.name
        AND secret_tags.account = t.account AND secret_tags.tag_key = t.tag_key
        AND secret_tags.tag_value = t.tag_value AND secret_tags.name = t.resource;
END;

CREATE TRIGGER secrets_tagged AFTER INSERT ON tags WHEN new.resource_type = 'secret' BEGIN
    INSERT INTO secret_tags (account, name, tag_key, tag_value, kind, creator, instance_id, sought_description)
        SELECT account, name, new.tag_key, new.tag_value, kind, creator, instance_id, sought_description FROM secrets
        WHERE account = new.account AND name = new.resource;
END;

CREATE TRIGGER secrets_retagged AFTER UPDATE OF tag_value ON tags WHEN new.resource_type = 'secret' BEGIN
    UPDATE secret_tags SET tag_value = new.tag_value WHERE account = new.account AND tag_key = new.tag_key
        AND tag_value = old.tag_value AND name = new.resource;
END;

CREATE TRIGGER secrets_untagged AFTER DELETE ON tags WHEN old.resource_type = 'secret' BEGIN
    DELETE FROM secret_tags WHERE account = old.account AND tag_key = old.tag_key
        AND tag_value = old.tag_value AND name = old.resource;
END;

INSERT INTO secret_range_changes (account, name, kind, creator, instance_id, n)
    SELECT account, name, kind, creator, instance_id, 1 FROM secrets;

INSERT INTO secret_tags (account, name, tag_key, tag_value, kind, creator, instance_id, sought_description)
    SELECT s.account, s.name, t.tag_key, t.tag_value, s.kind, s.creator, s.instance_id, s.sought_description
    FROM tags AS t JOIN secrets AS s ON s.account = t.account AND s.name = t.resource
    WHERE t.resource_type = 'secret';

-- postgres
CREATE FUNCTION note_secret_in_range() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO secret_range_changes AS c (account, name, kind, creator, instance_id, n)
            VALUES (new.account, new.name, new.kind, new.creator, new.instance_id, 1)
            ON CONFLICT (account, name, kind, creator, instance_id) DO UPDATE SET n = c.n + 1;
    ELSE
        INSERT INTO secret_range_changes AS c (account, name, kind, creator, instance_id, n)
            VALUES (old.account, old.name, old.kind, old.creator, old.instance_id, -1)
            ON CONFLICT (account, name, kind, creator, instance_id) DO UPDATE SET n = c.n - 1;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER secrets_in_range AFTER INSERT OR DELETE ON secrets
FOR EACH ROW EXECUTE FUNCTION note_secret_in_range();

CREATE FUNCTION redescribe_secret_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE secret_tags SET sought_description = new.sought_description FROM tags AS t
        WHERE t.account = new.account AND t.resource_type = 'secret' AND t.resource = new.name
        AND secret_tags.account = t.account AND secret_tags.tag_key = t.tag_key
        AND secret_tags.tag_value = t.tag_value AND secret_tags.name = t.resource;
    RETURN NULL;
END
$$;

CREATE TRIGGER secrets_with_tags_redescribed AFTER UPDATE OF sought_description ON secrets
FOR EACH ROW WHEN (old.sought_description <> new.sought_description) EXECUTE FUNCTION redescribe_secret_tags();

CREATE FUNCTION keep_secret_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO secret_tags (account, name, tag_key, tag_value, kind, creator, instance_id, sought_description)
            SELECT account, name, new.tag_key, new.tag_value, kind, creator, instance_id, sought_description FROM secrets
            WHERE account = new.account AND name = new.resource;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE secret_tags SET tag_value = new.tag_value WHERE account = new.account AND tag_key = new.tag_key
            AND tag_value = old.tag_value AND name = new.resource;
    ELSE
        DELETE FROM secret_tags WHERE account = old.account AND tag_key = old.tag_key
            AND tag_value = old.tag_value AND name = old.resource;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER secrets_tagged AFTER INSERT ON tags
FOR EACH ROW WHEN (new.resource_type = 'secret') EXECUTE FUNCTION keep_secret_tags();

CREATE TRIGGER secrets_retagged AFTER UPDATE OF tag_value ON tags
FOR EACH ROW WHEN (new.resource_type = 'secret') EXECUTE FUNCTION keep_secret_tags();

CREATE TRIGGER secrets_untagged AFTER DELETE ON tags
FOR EACH ROW WHEN (old.resource_type = 'secret') EXECUTE FUNCTION keep_secret_tags();

INSERT INTO secret_range_changes (account, name, kind, creator, instance_id, n)
    SELECT account, name, kind, creator, instance_id, 1 FROM secrets;

INSERT INTO secret_tags (account, name, tag_key, tag_value, kind, creator, instance_id, sought_description)
    SELECT s.account, s.name, t.tag_key, t.tag_value, s.kind, s.creator, s.instance_id, s.sought_description
    FROM tags AS t JOIN secrets AS s ON s.account = t.account AND s.name = t.resource
    WHERE t.resource_type = 'secret';
