CREATE TABLE secret_description_counts (
    account TEXT NOT NULL,
    sought_description TEXT NOT NULL,
    kind TEXT NOT NULL,
    creator TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    shard BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (account, sought_description, kind, creator, instance_id, shard)
) {clustered};

-- sqlite
CREATE TRIGGER secrets_described AFTER INSERT ON secrets BEGIN
    INSERT INTO secret_description_counts (account, sought_description, kind, creator, instance_id, shard, n)
        VALUES (new.account, new.sought_description, new.kind, new.creator, new.instance_id, 0, 1)
        ON CONFLICT (account, sought_description, kind, creator, instance_id, shard) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER secrets_undescribed AFTER DELETE ON secrets BEGIN
    UPDATE secret_description_counts SET n = n - 1
        WHERE account = old.account AND sought_description = old.sought_description AND kind = old.kind
        AND creator = old.creator AND instance_id = old.instance_id AND shard = 0;
    DELETE FROM secret_description_counts
        WHERE account = old.account AND sought_description = old.sought_description AND kind = old.kind
        AND creator = old.creator AND instance_id = old.instance_id AND shard = 0 AND n = 0;
END;

CREATE TRIGGER secrets_redescribed AFTER UPDATE OF sought_description ON secrets
WHEN old.sought_description <> new.sought_description BEGIN
    UPDATE secret_description_counts SET n = n - 1
        WHERE account = old.account AND sought_description = old.sought_description AND kind = old.kind
        AND creator = old.creator AND instance_id = old.instance_id AND shard = 0;
    DELETE FROM secret_description_counts
        WHERE account = old.account AND sought_description = old.sought_description AND kind = old.kind
        AND creator = old.creator AND instance_id = old.instance_id AND shard = 0 AND n = 0;
    INSERT INTO secret_description_counts (account, sought_description, kind, creator, instance_id, shard, n)
        VALUES (new.account, new.sought_description, new.kind, new.creator, new.instance_id, 0, 1)
        ON CONFLICT (account, sought_description, kind, creator, instance_id, shard) DO UPDATE SET n = n + 1;
END;

INSERT INTO secret_description_counts (account, sought_description, kind, creator, instance_id, shard, n)
    SELECT account, sought_description, kind, creator, instance_id, 0, count(*) FROM secrets
    GROUP BY account, sought_description, kind, creator, instance_id;

-- postgres
CREATE FUNCTION count_secret_description() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF old.sought_description = new.sought_description THEN
            RETURN NULL;
        END IF;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        UPDATE secret_description_counts SET n = n - 1
            WHERE account = old.account AND sought_description = old.sought_description AND kind = old.kind
            AND creator = old.creator AND instance_id = old.instance_id AND shard = ascii(right(old.id, 1)) % 8;
        DELETE FROM secret_description_counts
            WHERE account = old.account AND sought_description = old.sought_description AND kind = old.kind
            AND creator = old.creator AND instance_id = old.instance_id AND shard = ascii(right(old.id, 1)) % 8
            AND n = 0;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO secret_description_counts AS c (account, sought_description, kind, creator, instance_id, shard, n)
            VALUES (new.account, new.sought_description, new.kind, new.creator, new.instance_id,
                ascii(right(new.id, 1)) % 8, 1)
            ON CONFLICT (account, sought_description, kind, creator, instance_id, shard) DO UPDATE SET n = c.n + 1;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER secrets_described AFTER INSERT OR DELETE OR UPDATE OF sought_description ON secrets
FOR EACH ROW EXECUTE FUNCTION count_secret_description();

INSERT INTO secret_description_counts (account, sought_description, kind, creator, instance_id, shard, n)
    SELECT account, sought_description, kind, creator, instance_id, ascii(right(id, 1)) % 8, count(*) FROM secrets
    GROUP BY 1, 2, 3, 4, 5, 6;
