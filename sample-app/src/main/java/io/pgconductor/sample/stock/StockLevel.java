package io.pgconductor.sample.stock;

/**
 * How much there is of something: a row of the table.
 *
 * @param item what it is
 * @param available how many there are
 * @param onOrder how many are on their way
 * @param reorderBelow of how many it is too little
 */
public record StockLevel(String item, int available, int onOrder, int reorderBelow) {
}
