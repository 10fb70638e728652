-- Add environment tracking
ALTER TABLE payments ADD COLUMN blockchain_network VARCHAR(20) DEFAULT 'testnet';
ALTER TABLE escrows ADD COLUMN blockchain_network VARCHAR(20) DEFAULT 'testnet';

-- Create indexes for performance
CREATE INDEX idx_payments_network ON payments(blockchain_network);
CREATE INDEX idx_escrows_network ON escrows(blockchain_network);
