-- A UUID that sorts by its time of creation (RFC 9562, version 7). PostgreSQL has one of its own only since 18. The 12 bits behind the
-- millisecond are its fraction: what one session creates sorts in that order, since no call is faster than a microsecond.
do $do$
begin
    if pg_catalog.current_setting('server_version_num')::int >= 180000 then
        create or replace function ${schema}.uuid_v7() returns uuid
        language sql volatile parallel safe
        as 'select pg_catalog.uuidv7()';
    else
        create or replace function ${schema}.uuid_v7() returns uuid
        language sql volatile parallel safe
        as $$
            select pg_catalog.encode(
                overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
                    placing pg_catalog.int8send(((tick >> 12) << 16) | 28672 | (tick & 4095)) from 1 for 8), 'hex')::uuid
            from (select pg_catalog.floor(extract(epoch from pg_catalog.clock_timestamp()) * 4096000)::bigint) as clock (tick)
        $$;
    end if;
end
$do$;
