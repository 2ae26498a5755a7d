package io.pgconductor.migration;

import java.util.List;
import java.util.stream.Stream;

/**
 * Small stand-ins for what releases bring.
 */
final class TestScripts {

	static final Script V1_TABLES = new Script("V1__tables.sql", """
			create table ${schema}.schema_version (version int not null, min_compatible int not null);
			insert into ${schema}.schema_version (version, min_compatible) values (1, 1);
			create table ${schema}.thing (id int primary key);
			""");

	static final Script V2_COLOUR = new Script("V2__colour.sql", """
			alter table ${schema}.thing add column colour text;
			update ${schema}.schema_version set version = 2, min_compatible = 1;
			""");

	static final Script V3_CONTRACTION = new Script("V3__contraction.sql", """
			alter table ${schema}.thing drop column colour;
			alter table ${schema}.schema_version add column reason text;
			update ${schema}.schema_version set version = 3, min_compatible = 2;
			""");

	static final Scripts V1 = new Scripts(List.of(V1_TABLES, release(1)));

	static final Scripts V2 = new Scripts(List.of(V1_TABLES, V2_COLOUR, release(2)));

	static final Scripts V3 = new Scripts(List.of(V1_TABLES, V2_COLOUR, V3_CONTRACTION, release(3)));

	private TestScripts() {
	}

	static Script release(int number) {
		return new Script("R__release.sql", """
				create or replace function ${schema}.release() returns int language sql as 'select %d';
				""".formatted(number));
	}

	static Scripts with(Scripts scripts, Script more) {
		return new Scripts(Stream.concat(scripts.all().stream(), Stream.of(more)).toList());
	}

}
