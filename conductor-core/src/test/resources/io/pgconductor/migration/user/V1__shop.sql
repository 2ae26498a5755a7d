create table shop (id int primary key);
