package io.pgconductor.jdbc;

import java.util.List;
import java.util.UUID;

import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * A statement about executions that a node holds, each under the number of its claim. It
 * names them as parameters {@code node}, {@code ids} and {@code claimNos}.
 */
final class FencedStatement {

	private FencedStatement() {
	}

	static JdbcClient.StatementSpec of(JdbcClient jdbc, String sql, UUID node, List<Recording> recordings) {
		return jdbc.sql(sql)
			.param("node", node)
			.param("ids", SqlArrays.column("uuid", recordings, (r) -> r.execution().id()))
			.param("claimNos", SqlArrays.ints(recordings, (r) -> r.execution().claimNo()));
	}

}
