package com.example.workflows;

import java.util.concurrent.Future;

interface Encoder {

	Future<?> start(String file);

	boolean encodeNextFrame(String file);

}
