"""The tables of the SQLite database."""

ADMIN_USER_ID = "05244f12-6daf-4e1f-8315-c66783a0ab56"
DEFAULT_TENANT_ID = "52f14cd4-c6f1-4fbd-8f87-4025e1d49242"

FIRST = """
create table tenant (
    id text primary key,
    created_at real not null,
    updated_at real not null,
    name text not null,
    message blob not null
) strict;

create table user (
    id text primary key,
    created_at real not null,
    email text not null unique,
    is_admin integer not null,
    is_active integer not null,
    password_hash text not null
) strict;

create table api_key (
    id text primary key,
    created_at real not null,
    name text not null,
    is_admin integer not null,
    is_read_only integer not null,
    tenant_id text references tenant(id) on delete cascade
) strict;

create table application (
    id text primary key,
    tenant_id text not null references tenant(id) on delete cascade,
    created_at real not null,
    updated_at real not null,
    name text not null,
    message blob not null
) strict;
create index application_tenant on application(tenant_id);

create table device_profile (
    id text primary key,
    tenant_id text references tenant(id) on delete cascade,
    created_at real not null,
    updated_at real not null,
    name text not null,
    message blob not null
) strict;
create index device_profile_tenant on device_profile(tenant_id);

create table gateway (
    gateway_id text primary key,
    tenant_id text not null references tenant(id) on delete cascade,
    created_at real not null,
    updated_at real not null,
    last_seen_at real,
    name text not null,
    message blob not null
) strict;
create index gateway_tenant on gateway(tenant_id);

create table device (
    dev_eui text primary key,
    application_id text not null references application(id) on delete cascade,
    device_profile_id text not null
        references device_profile(id) on delete cascade,
    created_at real not null,
    updated_at real not null,
    name text not null,
    description text not null,
    join_eui text not null,
    skip_fcnt_check integer not null,
    is_disabled integer not null,
    tags text not null,
    variables text not null,
    last_seen_at real,
    scheduler_run_after real,
    enabled_class text not null default 'A',
    dev_addr text,
    f_cnt_up integer not null default 0,
    dr integer,
    margin integer,
    external_power_source integer not null default 0,
    battery_level real,
    session blob
) strict;
create index device_application on device(application_id);
create index device_dev_addr on device(dev_addr);

create table device_keys (
    dev_eui text primary key references device(dev_eui) on delete cascade,
    created_at real not null,
    updated_at real not null,
    nwk_key text not null,
    app_key text not null,
    gen_app_key text not null,
    join_nonce integer not null
) strict;

create table dev_nonce (
    dev_eui text not null references device_keys(dev_eui) on delete cascade,
    join_eui text not null,
    dev_nonce integer not null,
    primary key (dev_eui, join_eui, dev_nonce)
) strict, without rowid;

create table device_queue_item (
    position integer primary key autoincrement,
    id text not null unique,
    dev_eui text not null references device(dev_eui) on delete cascade,
    created_at real not null,
    f_port integer not null,
    confirmed integer not null,
    data blob not null,
    is_pending integer not null,
    is_encrypted integer not null,
    f_cnt_down integer,
    timeout_after real,
    expires_at real
) strict;
create index device_queue_item_device on device_queue_item(dev_eui);

create table event_outbox (
    id integer primary key autoincrement,
    topic text not null,
    payload blob not null
) strict;
"""

MULTICAST = """
create table multicast_group (
    id text primary key,
    application_id text not null references application(id) on delete cascade,
    created_at real not null,
    updated_at real not null,
    name text not null,
    f_cnt integer not null,
    message blob not null
) strict;
create index multicast_group_application on multicast_group(application_id);

create table multicast_group_device (
    multicast_group_id text not null references multicast_group(id) on delete cascade,
    dev_eui text not null references device(dev_eui) on delete cascade,
    created_at real not null,
    primary key (multicast_group_id, dev_eui)
) strict, without rowid;

create table multicast_group_gateway (
    multicast_group_id text not null references multicast_group(id) on delete cascade,
    gateway_id text not null references gateway(gateway_id) on delete cascade,
    created_at real not null,
    primary key (multicast_group_id, gateway_id)
) strict, without rowid;

create table multicast_group_queue_item (
    position integer primary key autoincrement,
    id text not null unique,
    multicast_group_id text not null references multicast_group(id) on delete cascade,
    gateway_id text not null references gateway(gateway_id) on delete cascade,
    created_at real not null,
    scheduler_run_after real not null,
    f_cnt integer not null,
    f_port integer not null,
    data blob not null,
    emit_at_gps_ms integer,
    expires_at real
) strict;
create index multicast_group_queue_item_group
    on multicast_group_queue_item(multicast_group_id);
"""

SERIES = """
create table series (
    name text not null,
    aggregation text not null,
    at integer not null,
    sums text not null,
    primary key (name, aggregation, at)
) strict, without rowid;

create table series_state (
    name text primary key,
    value text not null
) strict, without rowid;
"""

# The JSON of sessions knows LoRaWAN 1.1's keys and counters; one without them reads as
# 1.0.x. Only a server that knows them may open the file afterwards.
LORAWAN_1_1 = "select 1;"

MIGRATIONS = (FIRST, MULTICAST, LORAWAN_1_1, SERIES)
"""What brings a database from each version to the next; an empty file has version 0."""

SCHEMA_VERSION = len(MIGRATIONS)
