package io.pgconductor.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A network that can swallow everything: what is connected stays so, and hears nothing
 * any more.
 */
public final class StallingProxy implements AutoCloseable {

	private final ServerSocket server;

	private final String host;

	private final int port;

	private final List<Link> links = new CopyOnWriteArrayList<>();

	private static final class Link {

		private final Socket client;

		private final Socket target;

		private volatile boolean stalled;

		Link(Socket client, Socket target) {
			this.client = client;
			this.target = target;
		}

		void start() {
			daemon(() -> copy(this.client, this.target));
			daemon(() -> copy(this.target, this.client));
		}

		private void copy(Socket from, Socket to) {
			try {
				InputStream input = from.getInputStream();
				OutputStream output = to.getOutputStream();
				byte[] buffer = new byte[8192];
				for (int read = input.read(buffer); read >= 0; read = input.read(buffer)) {
					if (!this.stalled) {
						output.write(buffer, 0, read);
					}
				}
			}
			catch (IOException ex) {
				// One end has gone: so does the other, unless nobody is to hear of it
			}
			if (!this.stalled) {
				close();
			}
		}

		private void close() {
			try {
				this.client.close();
				this.target.close();
			}
			catch (IOException ex) {
				// Closed already
			}
		}

	}

	/**
	 * Start a proxy.
	 * @param host where the database is
	 * @param port its port
	 * @throws IOException if no port is free
	 */
	public StallingProxy(String host, int port) throws IOException {
		this.host = host;
		this.port = port;
		this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
		daemon(this::accept);
	}

	private void accept() {
		try {
			while (true) {
				Link link = new Link(this.server.accept(), new Socket(this.host, this.port));
				this.links.add(link);
				link.start();
			}
		}
		catch (IOException ex) {
			// Closed
		}
	}

	private static void daemon(Runnable task) {
		Thread thread = new Thread(task, "proxy");
		thread.setDaemon(true);
		thread.start();
	}

	public int port() {
		return this.server.getLocalPort();
	}

	/**
	 * Swallow everything that is sent on present connections. Later ones work.
	 */
	public void stall() {
		this.links.forEach((link) -> link.stalled = true);
	}

	@Override
	public void close() throws IOException {
		this.server.close();
		this.links.forEach(Link::close);
	}

}
