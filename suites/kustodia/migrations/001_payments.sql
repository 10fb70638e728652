-- What the platform keeps beside the chain.
CREATE TABLE escrows (
    id INTEGER PRIMARY KEY,
    chain_id INTEGER NOT NULL,
    contract VARCHAR(42) NOT NULL,
    number INTEGER NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'released', 'refunded')),
    UNIQUE (chain_id, contract, number)
);
CREATE TABLE payments (
    id INTEGER PRIMARY KEY,
    escrow_id INTEGER NOT NULL REFERENCES escrows (id),
    chain_id INTEGER NOT NULL,
    payer VARCHAR(42) NOT NULL,
    seller VARCHAR(42) NOT NULL,
    amount NUMERIC(78) NOT NULL CHECK (amount > 0),
    tx_hash VARCHAR(66) NOT NULL UNIQUE
);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    recipient VARCHAR(100) NOT NULL,
    subject VARCHAR(200) NOT NULL UNIQUE,
    sent INTEGER NOT NULL DEFAULT 0
);
