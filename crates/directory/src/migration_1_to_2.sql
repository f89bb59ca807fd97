-- The tables of version 1 step aside for those of version 2. What refers to them is dropped with them.
ALTER TABLE folder RENAME TO folder_1;
ALTER TABLE merchants RENAME TO merchants_1;
ALTER TABLE stores RENAME TO stores_1;
ALTER TABLE tills RENAME TO tills_1;
ALTER TABLE tags RENAME TO tags_1;
ALTER TABLE wallets RENAME TO wallets_1;
